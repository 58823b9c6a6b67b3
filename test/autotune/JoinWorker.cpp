// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One worker of a shared search on recorded times, for join.py:
//
//   JoinWorker URL [--records FILE] [--key FILE] [--device NAME] [--driver
//   NAME]
//              [--seed N] [--pause MS] [--lease SECONDS] [--outage SECONDS]
//              [--budget SECONDS] [--log FILE] [--counts FILE] [--load MS]
//              [--compile MS] [--threads N] [--helper IDLE_SECONDS]
//   JoinWorker list --key FILE          into this machine's list of keys
//
// Its device is a table of 320 made times with noise; a sample is the same on
// whichever worker it is taken, as where timings were recorded. A schedule in
// 16 crashes, another's output is wrong. `--pause` is slept at each sample, so
// that a kill meets it, `--load` once a schedule. With `--compile` an image is
// slept for, by `--threads` threads, unless another host has made it; with
// `--helper` this is such a host, and measures nothing. Prints the winner, its
// time, the device's seconds and how many were measured; `--log` holds each
// schedule that ran here, `--counts` what was compiled and what was taken.
#include "autotune/CompilePool.h"
#include "autotune/Join.h"
#include "autotune/JoinHelper.h"
#include "test/autotune/NoRecords.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <thread>

using namespace attn_jit;
using namespace attn_jit::tune;

static uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

/// 0 to 1.
static double drawn(uint64_t seed) {
  return double(mixed(seed * 0x9e3779b97f4a7c15ull) >> 11) * 0x1p-53;
}

namespace {
struct Recorded {
  explicit Recorded(uint64_t seed) {
    for (int i = 0; i < 320; ++i) {
      const int x = i / 40, y = i / 5 % 8, z = i % 5;
      const std::string text = "f.v1<x=" + std::to_string(x) +
                               ", y=" + std::to_string(y) +
                               ", z=" + std::to_string(z) + ">";
      const uint64_t own = seed * 1000;
      const double model = 100 * (1 + drawn(own + x) / 2);
      const double us = model * (1 + drawn(own + 100 + y) / 2) *
                        (1 + drawn(own + 200 + z) / 2) *
                        (1 + drawn(own + 300 + i) / 16);
      numbers[text] = i;
      times.push_back(us);
      candidates.push_back({text, model});
    }
    std::ranges::sort(candidates, {}, [](const Candidate &each) {
      return std::pair(each.predictedUs, each.schedule);
    });
  }
  std::map<std::string, int> numbers;
  std::vector<double> times;
  std::vector<Candidate> candidates;
};

static void sleepMs(double ms) {
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(ms));
}

/// What stands for an image, and for the time that one takes.
class Compiler {
public:
  Compiler(double ms, JoinImages *shared) : ms(ms), shared(shared) {}

  static store::Key keyOf(const std::string &schedule) {
    store::Key key;
    key.add("schedule", schedule);
    return key;
  }
  store::Entry make(const std::string &schedule) {
    sleepMs(ms * (0.5 + drawn(std::hash<std::string>()(schedule))));
    store::Entry entry;
    entry.object = "image of " + schedule;
    entry.action.key = keyOf(schedule);
    entry.action.kind = "host";
    entry.action.object = store::sha256(entry.object);
    entry.action.bytes = int64_t(entry.object.size());
    entry.action.manifest = "{}";
    return entry;
  }
  CompiledPath path(const std::string &schedule) {
    if (auto there = shared ? shared->take(keyOf(schedule)) : std::nullopt) {
      ++taken;
      return there->object;
    }
    ++made;
    store::Entry entry = make(schedule);
    if (shared)
      (void)shared->put(entry.action, entry.object).ok();
    return entry.object;
  }
  bool elsewhere(const std::string &schedule) const {
    return shared && shared->elsewhere(keyOf(schedule));
  }
  std::atomic<int> made{0}, taken{0};

private:
  const double ms;
  JoinImages *const shared;
};

class RecordedMeasurer : public Measurer {
public:
  RecordedMeasurer(const Recorded &recorded, Compiler &compiler,
                   unsigned threads, double pauseMs, double loadMs,
                   std::string log)
      : recorded(recorded), pauseMs(pauseMs), loadMs(loadMs),
        log(std::move(log)),
        pool([&](const std::string &s) { return compiler.path(s); }, threads,
             [&](const std::string &s) { return compiler.elsewhere(s); }) {}

  void prepare(std::span<const std::string> schedules) override {
    for (const std::string &schedule : schedules)
      pool.announce(schedule);
  }
  void forget() override { pool.forget(); }
  bool ready(const std::string &schedule) override {
    return pool.ready(schedule);
  }
  rt::Result<std::vector<Measured>>
  measure(std::span<const std::string> schedules, std::span<const Visit> visits,
          const std::function<rt::Status(size_t)> &running) override {
    std::vector<Measured> results(schedules.size());
    std::vector<size_t> counts(schedules.size());
    for (Visit visit : visits)
      ++counts[visit];
    prepare(schedules);
    for (size_t i = 0; i < schedules.size(); ++i) {
      ATTN_TRY(const std::string image, pool.get(schedules[i]));
      if (image != "image of " + schedules[i])
        return rt::failed("it is another's image");
      ATTN_CHECK(running(i));
      if (loaded.insert(schedules[i]).second)
        sleepMs(loadMs);
      const int number = recorded.numbers.at(schedules[i]);
      results[i].error = 1e-4;
      results[i].loadSeconds = 1e-3 * (1 + drawn(number));
      if (number % 16 == 3)
        results[i].outcome = store::Outcome::Crashed;
      if (number % 16 == 7)
        results[i].outcome = store::Outcome::Wrong;
      if (!log.empty())
        std::ofstream(log, std::ios::app) << schedules[i] + "\n";
    }
    std::vector<size_t> taken(schedules.size());
    for (Visit visit : visits) {
      Measured &result = results[visit];
      if (result.outcome != store::Outcome::Ok)
        continue;
      sleepMs(pauseMs);
      const int number = recorded.numbers.at(schedules[visit]);
      // By what is sampled and how often: the same wherever and whenever.
      const uint64_t which =
          (uint64_t(number) * 1000 + counts[visit]) * 1000 + taken[visit]++;
      const double us =
          recorded.times[number] * (1 + 0.02 * (drawn(which) - 0.5));
      result.samplesUs.push_back(us);
      result.timingSeconds += us * 1e-6;
    }
    return results;
  }
  double seconds() const override { return 0; }
  double sampleSeconds() const override { return 0; }

private:
  const Recorded &recorded;
  const double pauseMs, loadMs;
  const std::string log;
  std::set<std::string> loaded;
  CompilePool pool;
};
} // namespace

static rt::Status list(const std::string &keyFile) {
  ATTN_TRY(const store::SigningKey key, store::SigningKey::load(keyFile));
  ATTN_TRY(const std::string path, store::TrustedKeys::defaultPath());
  return store::trustKey(path, key.publicKey());
}

static rt::Status run(std::map<std::string, std::string> flags,
                      const std::string &url) {
  auto number = [&](const char *flag, double otherwise) {
    return flags.contains(flag) ? std::atof(flags[flag].c_str()) : otherwise;
  };
  const Recorded recorded(uint64_t(number("--seed", 1)));
  SearchSubject subject;
  subject.problem.add("description", "recorded " + flags["--seed"]);
  subject.device.add("name", "recorded " + flags["--device"]);
  subject.compiler = "c1", subject.driver = "d1" + flags["--driver"];
  std::unique_ptr<RecordSink> sink = std::make_unique<test::NoRecords>();
  if (flags.contains("--records")) {
    ATTN_TRY(sink, sinkInto(flags["--records"]));
  }
  JoinOptions join;
  join.url = url, join.keyFile = flags["--key"];
  join.limits.leaseSeconds = number("--lease", 1);
  join.limits.outageSeconds = number("--outage", 2);
  std::unique_ptr<JoinImages> images;
  if (!join.keyFile.empty()) {
    ATTN_TRY(images, JoinImages::open(url, join.keyFile, "recorded"));
    join.images = images.get();
  }
  Compiler compiler(number("--compile", 0), images.get());
  const unsigned threads = unsigned(number("--threads", 1));
  if (flags.contains("--helper") && images) {
    ATTN_TRY(const JoinSeal seal, JoinSeal::make(join.keyFile));
    ATTN_TRY(const HelperReport helped,
             helpSearches(
                 *images, seal,
                 {[](const Work &,
                     const std::string &schedule) -> rt::Result<store::Key> {
                    return Compiler::keyOf(schedule);
                  },
                  [&](const Work &,
                      const std::string &schedule) -> rt::Result<store::Entry> {
                    return compiler.make(schedule);
                  }},
                 threads, number("--helper", 1)));
    std::printf("%zu compiled, %zu failed, for %zu searches\n", helped.compiled,
                helped.failed, helped.searches);
    return rt::success();
  }
  RecordedMeasurer device(recorded, compiler, threads, number("--pause", 0),
                          number("--load", 0), flags["--log"]);
  SearchOptions options;
  options.budgetSeconds = number("--budget", 0.5);
  const std::string standard = recorded.candidates[200].schedule;
  ATTN_TRY(const SearchReport report,
           searchShared(join, subject, standard, recorded.candidates, device,
                        *sink, options));
  std::printf("winner %s %.3f us, %zu measured, %zu failed, %.9f s, %s\n",
              report.winner.c_str(), report.winnerTime.medianUs,
              report.measured, report.failed, report.seconds,
              std::string(name(report.stop)).c_str());
  if (flags.contains("--counts"))
    std::ofstream(flags["--counts"])
        << compiler.made << " " << compiler.taken << "\n";
  return rt::success();
}

int main(int count, char **words) {
  std::map<std::string, std::string> flags;
  for (int i = 2; i + 1 < count; i += 2)
    flags[words[i]] = words[i + 1];
  if (count < 2 || count % 2)
    return 2;
  auto done = words[1] == std::string_view("list") ? list(flags["--key"])
                                                   : run(flags, words[1]);
  if (!done)
    std::fprintf(stderr, "%s\n", done.error().text.c_str());
  return done ? 0 : done.error().exitCode();
}
