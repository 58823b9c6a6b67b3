// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rungs: who is measured next, how often, and when it is enough.
#include "autotune/Choice.h"
#include "autotune/Ranker.h"
#include "autotune/SearchSamples.h"

using namespace attn_jit;
using namespace attn_jit::tune;

/// Steps by number: chunks of the first rung from 0, then each rung's, then
/// this.
static constexpr uint64_t kRung = 1000000, kFinalPass = 100 * kRung;

namespace {
class Search {
public:
  Search(const SearchSubject &subject, const std::string &defaultPick,
         std::span<const Candidate> given, Measurer &measurer, Journal &journal,
         const SearchOptions &options,
         const std::function<void(const CurvePoint &)> &progress)
      : samples(subject, defaultPick, given, measurer, journal, options),
        measurer(measurer), journal(journal), options(options),
        progress(progress) {
    report.candidates = samples.schedules().size();
    report.session = samples.session();
  }

  rt::Result<SearchReport> run() {
    ATTN_CHECK(samples.recall());
    ATTN_CHECK(firstRung());
    ATTN_CHECK(furtherRungs());
    ATTN_CHECK(finalPass());
    ATTN_CHECK(journal.finish());
    report.seconds = samples.clock();
    report.failed = samples.failures();
    report.reused = samples.reused();
    return std::move(report);
  }

private:
  using Place = SearchSamples::Place;

  std::vector<std::string> textsOf(const std::vector<Place> &places) const {
    std::vector<std::string> texts;
    texts.reserve(places.size());
    for (Place place : places)
      texts.push_back(samples.schedules()[place]);
    return texts;
  }

  void mark() {
    CurvePoint point;
    point.seconds = samples.clock();
    point.measured = report.measured;
    if (!alive.empty()) {
      point.best = samples.schedules()[alive.front()];
      point.bestUs = samples.estimateOf(alive.front()).medianUs;
    }
    report.curve.push_back(point);
    if (progress)
      progress(point);
  }

  size_t chunkOf(uint64_t number, size_t most) const {
    size_t count = options.chunk;
    for (; number > 0 && count < options.mostChunk; --number)
      count *= 2;
    return std::min({count, options.mostChunk, most});
  }

  rt::Status firstRung() {
    Ranker ranker(samples.schedules());
    std::vector<Place> queue;
    for (Place i = 0; i < report.candidates; ++i)
      if (!samples.hasFailed(i))
        queue.push_back(i);
    for (uint64_t number = 0; !queue.empty(); ++number) {
      // At least one chunk, however small the budget: something is chosen.
      if (number &&
          samples.clock() >= options.firstShare * options.budgetSeconds)
        break;
      const size_t count = chunkOf(number, queue.size());
      std::vector<Place> chunk(queue.begin(), queue.begin() + count);
      queue.erase(queue.begin(), queue.begin() + count);
      const std::vector<std::string> rest = textsOf(queue);
      const size_t next = chunkOf(number + 1, rest.size());
      measurer.prepare(std::span(rest).first(next));
      measurer.expect(std::span(rest).subspan(next));
      ATTN_CHECK(
          samples.measure(chunk, options.firstSamples, report.session, number));
      for (Place place : chunk) {
        alive.push_back(place);
        ranker.observe(place, std::log(samples.estimateOf(place).medianUs /
                                       samples.predictedUs(place)));
      }
      report.measured += count;
      samples.sort(alive);
      mark();
      ranker.fit();
      std::map<Place, double> expected;
      for (Place place : queue)
        expected[place] =
            std::log(samples.predictedUs(place)) + ranker.logRatioOf(place);
      std::ranges::sort(queue, [&](Place a, Place b) {
        return expected[a] != expected[b] ? expected[a] < expected[b] : a < b;
      });
    }
    return rt::success();
  }

  rt::Status furtherRungs() {
    int count = options.firstSamples;
    for (uint64_t rung = 1; alive.size() > 1; ++rung) {
      const Estimate best = samples.estimateOf(alive.front());
      std::vector<Place> next;
      for (Place place : alive) {
        const Estimate &own = samples.estimateOf(place);
        if (own.lower() <= best.upper() &&
            own.medianUs <= best.medianUs * (1 + options.margin))
          next.push_back(place);
      }
      if (next.size() == 1) {
        report.stop = Stop::Separated;
        return rt::success();
      }
      count *= 2;
      if (count >= options.finalSamples) {
        report.stop = Stop::Resolved;
        return rt::success();
      }
      next.resize(
          std::min(next.size(), std::max(alive.size() / 2, options.finalists)));
      // The final pass must have its share of what is left.
      const double finals = samples.sampleSeconds() *
                            double(options.finalSamples) *
                            double(options.finalists + 1);
      const double affordable =
          samples.sampleSeconds() > 0
              ? (options.budgetSeconds - samples.clock() - finals) /
                    (samples.sampleSeconds() * double(count))
              : double(next.size());
      if (affordable < double(std::min(next.size(), options.finalists)))
        return rt::success();
      next.resize(std::min(next.size(), size_t(affordable)));
      ATTN_CHECK(samples.measure(next, count, report.session, rung * kRung));
      // Of what was measured before and not again nothing new is known.
      alive = std::move(next);
      samples.sort(alive);
      mark();
    }
    report.stop = Stop::Separated;
    return rt::success();
  }

  rt::Status finalPass() {
    std::vector<Place> finalists;
    if (!samples.hasFailed(0))
      finalists.push_back(0);
    // The default and one other at least, however little is left.
    const double affordable =
        samples.sampleSeconds() > 0
            ? (options.budgetSeconds - samples.clock()) /
                  (samples.sampleSeconds() * double(options.finalSamples))
            : double(options.finalists + 1);
    const double most =
        std::clamp(affordable, 2.0, double(options.finalists + 1));
    for (Place place : alive)
      if (place != 0 && finalists.size() < size_t(most))
        finalists.push_back(place);
    const std::string session = finalSession(report.session);
    // Beside each other or not at all.
    ATTN_CHECK(samples.measureTogether(finalists, options.finalSamples, session,
                                       kFinalPass));
    if (finalists.empty())
      return rt::failed("tune: no schedule ran; the first said: " +
                        samples.firstNote());
    report.defaultRan = finalists.front() == 0;
    if (report.defaultRan)
      report.defaultTime = samples.estimateOf(0);
    samples.sort(finalists);
    Place winner = finalists.front();
    if (report.defaultRan &&
        !samples.estimateOf(winner).beats(report.defaultTime))
      winner = 0;
    report.winner = samples.schedules()[winner];
    report.winnerTime = samples.estimateOf(winner);
    alive = {winner};
    mark();
    return rt::success();
  }

  SearchSamples samples;
  Measurer &measurer;
  Journal &journal;
  const SearchOptions &options;
  const std::function<void(const CurvePoint &)> &progress;
  std::vector<Place> alive; ///< sorted
  SearchReport report;
};
} // namespace

rt::Result<SearchReport>
tune::search(const SearchSubject &subject, const std::string &defaultPick,
             std::span<const Candidate> candidates, Measurer &measurer,
             Journal &journal, const SearchOptions &options,
             const std::function<void(const CurvePoint &)> &progress) {
  return Search(subject, defaultPick, candidates, measurer, journal, options,
                progress)
      .run();
}
