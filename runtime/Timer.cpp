// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The measuring loop and its statistics. Samples are enqueued in batches, so
// that a short kernel is not measured together with the host's wait.
#include "runtime/Timer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

using namespace attn_jit::rt;

static double percentile(const std::vector<double> &sorted, double fraction) {
  const double place = fraction * double(sorted.size() - 1);
  const size_t below = size_t(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] +
         (place - double(below)) * (sorted[above] - sorted[below]);
}

Timing attn_jit::rt::summarize(std::vector<double> samplesMs) {
  Timing timing;
  timing.samplesMs = std::move(samplesMs);
  if (timing.samplesMs.empty())
    return timing;
  std::vector<double> sorted = timing.samplesMs;
  std::sort(sorted.begin(), sorted.end());
  timing.medianMs = percentile(sorted, 0.5);
  timing.spreadMs = percentile(sorted, 0.75) - percentile(sorted, 0.25);
  timing.minMs = sorted.front();
  timing.maxMs = sorted.back();
  for (double sample : sorted)
    timing.meanMs += sample / double(sorted.size());
  return timing;
}

namespace {

class Measurement {
public:
  Measurement(const Stream &stream, const std::function<Status()> &action)
      : stream(stream), action(action) {}

  Status prepare(const Device &device, const TimerOptions &options) {
    if (options.flushCache && device.info().l2Bytes > 0) {
      // Twice the cache leaves nothing of the last call in it, whatever the
      // replacement policy keeps; whole 4-byte patterns.
      ATTN_TRY(flush, device.allocate(device.info().l2Bytes * 2 / 4 * 4));
    }
    for (Pair &pair : pairs) {
      ATTN_TRY(pair.start, device.createEvent());
      ATTN_TRY(pair.end, device.createEvent());
    }
    return success();
  }
  bool flushes() const { return bool(flush); }

  /// Adds the times of `count` calls, at most batch.
  Status run(int count, std::vector<double> &samples) {
    for (int i = 0; i < count; ++i) {
      if (flush)
        ATTN_CHECK(flush.fill(0, stream));
      ATTN_CHECK(pairs[i].start.record(stream));
      ATTN_CHECK(action());
      ATTN_CHECK(pairs[i].end.record(stream));
    }
    ATTN_CHECK(stream.synchronize());
    for (int i = 0; i < count; ++i) {
      ATTN_TRY(const double sample, pairs[i].end.elapsedMs(pairs[i].start));
      samples.push_back(sample);
    }
    return success();
  }

  static constexpr int batch = 32;

private:
  struct Pair {
    Event start, end;
  };
  const Stream &stream;
  const std::function<Status()> &action;
  Buffer flush;
  std::array<Pair, batch> pairs;
};

} // namespace

/// Runs batches until the calls have taken `wantedMs` together. The batch is
/// sized from the last one, to end near the goal.
static Status runFor(Measurement &measurement, double wantedMs, int least,
                     int most, std::vector<double> &samples) {
  double spent = 0;
  int count = 1;
  while (int(samples.size()) < most &&
         (spent < wantedMs || int(samples.size()) < least)) {
    const size_t before = samples.size();
    // Cache flushes and the host are not in the events; without a bound by the
    // clock a kernel of a microsecond would take minutes.
    const auto begin = std::chrono::steady_clock::now();
    ATTN_CHECK(
        measurement.run(std::min(count, most - int(samples.size())), samples));
    const double wallMs = std::chrono::duration<double, std::milli>(
                              std::chrono::steady_clock::now() - begin)
                              .count();
    double batchMs = 0;
    for (size_t i = before; i < samples.size(); ++i)
      batchMs += samples[i];
    spent += std::max(batchMs, wallMs / 10);
    const double each =
        std::max(batchMs / double(samples.size() - before), 1e-6);
    const double left = std::max((wantedMs - spent) / each,
                                 double(least) - double(samples.size()));
    count = int(std::clamp(std::ceil(left), 1.0, double(Measurement::batch)));
  }
  return success();
}

Result<Timing> attn_jit::rt::measure(const Device &device, const Stream &stream,
                                     const std::function<Status()> &action,
                                     const TimerOptions &options) {
  if (!(options.warmupMs >= 0) || !(options.repMs >= 0) ||
      options.minSamples < 1 || options.maxSamples < options.minSamples)
    return badInput("timer: warm-up " + std::to_string(options.warmupMs) +
                    " ms, rep " + std::to_string(options.repMs) +
                    " ms given, allowed: 0 or more, and 1 or more samples");
  Measurement measurement(stream, action);
  ATTN_CHECK(measurement.prepare(device, options));
  std::vector<double> discarded, samples;
  // At least one call: the first one may load code lazily.
  ATTN_CHECK(
      runFor(measurement, options.warmupMs, 1, options.maxSamples, discarded));
  ATTN_CHECK(runFor(measurement, options.repMs, options.minSamples,
                    options.maxSamples, samples));
  Timing timing = summarize(std::move(samples));
  timing.flushedCache = measurement.flushes();
  return timing;
}
