// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The shared measurer and journal. Invariant: what either tells search() is a
// function of what the server keeps, never of this worker.
#include "autotune/Join.h"
#include "autotune/Choice.h"
#include "autotune/JoinLease.h"
#include "runtime/store/files/Random.h"

#include <numeric>
#include <set>
#include <thread>

using namespace attn_jit;
using namespace attn_jit::tune;
using store::Outcome;

/// Between two looks at what the others do.
static constexpr std::chrono::milliseconds kLook{20};

namespace {
/// What all workers of a search know, and one worker's way to the server.
struct Shared {
  JoinServer server, renewals;
  JoinSeal seal;
  Job job;
  std::string worker;
  double leaseSeconds = 0;
};

class SharedMeasurer : public Measurer {
public:
  /// `known`: schedules that have failed here before, and how. A step of at
  /// most `together` schedules is one worker's: what is compared in the end is
  /// measured on one device.
  SharedMeasurer(Measurer &own, Shared &shared,
                 std::map<std::string, Measured> known, size_t together)
      : own(own), shared(shared), known(std::move(known)), together(together) {}

  void prepare(std::span<const std::string> schedules) override {
    next.assign(schedules.begin(), schedules.end());
  }

  rt::Result<std::vector<Measured>>
  measure(std::span<const std::string> schedules, std::span<const Visit> visits,
          const std::function<rt::Status(size_t)> &running) override {
    const uint64_t number = steps++;
    std::vector<size_t> counts(schedules.size());
    for (Visit visit : visits)
      ++counts[visit];
    const std::string what = contentOf(schedules, visits);
    const bool asOne = schedules.size() <= together;
    bool announced = false;
    while (true) {
      ATTN_TRY(const JoinServer::Taken taken,
               shared.server.take(number, what, asOne, orderOf(schedules)));
      if (taken.results.size() == schedules.size())
        return read(taken.results, schedules, counts, number);
      workers = taken.workers, place = taken.place;
      if (!announced) {
        if (!asOne)
          announce(schedules);
        announce(next);
        announced = true;
      }
      if (taken.items.empty()) {
        std::this_thread::sleep_for(kLook);
        continue;
      }
      auto results =
          measureHere(schedules, visits, taken.items, number, running);
      if (!results) {
        // The device's or the host's: others measure these. The lease ends by
        // itself where the server is not to be reached.
        (void)shared.server.leave(number, taken.items);
        return results.takeError();
      }
      ATTN_CHECK(shared.server.post(number, *results));
    }
  }

  double seconds() const override { return clock; }
  double sampleSeconds() const override { return perSample; }

private:
  /// Everything that decides what a step measures, and how.
  static std::string contentOf(std::span<const std::string> schedules,
                               std::span<const Visit> visits) {
    std::string text = "attn-jit.step.v1\n";
    for (const std::string &schedule : schedules)
      text += schedule + "\n";
    for (Visit visit : visits)
      text += std::to_string(visit) + " ";
    return store::sha256(text).hex();
  }

  /// This worker's: what it has compiled, then every n-th of n workers, then
  /// the shares of the others from their ends.
  std::vector<size_t> orderOf(std::span<const std::string> schedules) const {
    std::vector<size_t> order(schedules.size());
    std::iota(order.begin(), order.end(), size_t(0));
    auto rank = [&](size_t i) {
      const size_t share = (i + workers - place) % workers;
      return std::tuple(!compiled.contains(schedules[i]), share,
                        share ? order.size() - i : i);
    };
    std::vector<size_t> sorted = order;
    std::ranges::sort(sorted, {}, rank);
    return sorted;
  }

  /// Its share is compiled ahead; what others do not get done, when it is
  /// leased.
  void announce(std::span<const std::string> schedules) {
    const std::vector<size_t> order = orderOf(schedules);
    std::vector<std::string> texts;
    const size_t share = (order.size() + workers - 1) / workers;
    for (size_t i = 0; i < share; ++i)
      if (compiled.insert(schedules[order[i]]).second)
        texts.push_back(schedules[order[i]]);
    own.prepare(texts);
  }

  rt::Result<std::vector<JoinServer::Result>>
  measureHere(std::span<const std::string> schedules,
              std::span<const Visit> visits, const std::vector<size_t> &items,
              uint64_t number,
              const std::function<rt::Status(size_t)> &running) {
    std::vector<std::string> texts;
    std::vector<Measured> measured;
    std::vector<size_t> ran;
    std::map<size_t, Visit> places;
    std::vector<JoinServer::Result> results;
    auto add = [&](size_t item, const Measured &result) {
      const ItemName name{shared.job.session, number, schedules[item]};
      results.push_back(
          {item, shared.seal.seal(resultText(name, shared.worker, result))});
    };
    for (size_t item : items) {
      compiled.insert(schedules[item]);
      if (auto before = known.find(schedules[item]); before != known.end()) {
        add(item, before->second);
        continue;
      }
      places.emplace(item, texts.size());
      ran.push_back(item);
      texts.push_back(schedules[item]);
    }
    std::vector<Visit> here;
    for (Visit visit : visits)
      if (auto found = places.find(visit); found != places.end())
        here.push_back(found->second);
    if (!texts.empty()) {
      const JoinLease lease(shared.renewals, number, items,
                            shared.leaseSeconds);
      ATTN_TRY(measured, own.measure(texts, here, [&](size_t which) {
        return running(ran[which]);
      }));
    }
    for (size_t i = 0; i < ran.size(); ++i)
      add(ran[i], measured[i]);
    return results;
  }

  rt::Result<std::vector<Measured>> read(const std::vector<std::string> &texts,
                                         std::span<const std::string> schedules,
                                         const std::vector<size_t> &counts,
                                         uint64_t number) {
    std::vector<Measured> results;
    double timing = 0;
    size_t samples = 0;
    for (size_t i = 0; i < texts.size(); ++i) {
      auto result = [&]() -> rt::Result<Measured> {
        ATTN_TRY(const std::string json, shared.seal.open(texts[i]));
        return parseResult(json, {shared.job.session, number, schedules[i]},
                           counts[i]);
      }();
      if (!result)
        return rt::failed("join: a result on " + shared.server.shown() +
                          " is refused: " + result.error().text);
      clock += result->loadSeconds + result->timingSeconds;
      timing += result->timingSeconds;
      samples += result->samplesUs.size();
      results.push_back(std::move(*result));
    }
    if (samples)
      perSample = timing / double(samples);
    return results;
  }

  Measurer &own;
  Shared &shared;
  const std::map<std::string, Measured> known;
  const size_t together;
  std::set<std::string> compiled; ///< or announced
  std::vector<std::string> next;  ///< announced with the next step
  uint64_t steps = 0;
  size_t workers = 1, place = 0;
  double clock = 0, perSample = 0;
};

/// The server keeps what must survive; records are also this owner's.
class SharedJournal : public Journal {
public:
  SharedJournal(RecordSink &sink, std::string session,
                const std::vector<store::StoredRecord> &before)
      : sink(sink), name(std::move(session)) {
    for (const store::StoredRecord &each : before)
      there.insert(each.record.identity().hex());
  }

  const std::vector<store::StoredRecord> &records() const override {
    return all;
  }
  std::string session() const override { return name; }
  double spentSeconds() const override { return 0; }
  std::optional<StepTimes> timesOf(uint64_t) const override {
    return std::nullopt;
  }
  std::vector<std::string> interrupted() const override { return {}; }
  rt::Status running(const std::string &) override { return rt::success(); }
  rt::Status add(std::span<const store::Record> records, uint64_t,
                 const StepTimes &) override {
    std::vector<store::Record> fresh;
    for (const store::Record &record : records) {
      all.push_back({record, store::Voice::Own, {}});
      if (there.insert(record.identity().hex()).second)
        fresh.push_back(record);
    }
    return fresh.empty() ? rt::success() : sink.add(fresh);
  }
  rt::Status finish() override { return rt::success(); }

private:
  RecordSink &sink;
  const std::string name;
  std::set<std::string> there; ///< identities in the sink
  std::vector<store::StoredRecord> all;
};
} // namespace

static std::string searchDigest(const SearchSubject &subject,
                                const std::string &defaultPick,
                                std::span<const Candidate> candidates,
                                const SearchOptions &options) {
  std::string text = "attn-jit.join.v1\n" + digestOf(subject).hex() + "\n" +
                     defaultPick + "\n";
  char line[320];
  std::snprintf(
      line, sizeof line, "%.17g %llu %d %d %zu %zu %.17g %.17g %d\n",
      options.budgetSeconds, static_cast<unsigned long long>(options.seed),
      options.firstSamples, options.finalSamples, options.chunk,
      options.finalists, options.firstShare, options.margin, options.retries);
  text += line;
  for (const Candidate &each : candidates) {
    std::snprintf(line, sizeof line, "%.17g ", each.predictedUs);
    text += line + each.schedule + "\n";
  }
  return store::sha256(text).hex();
}

/// Failures that this owner has recorded: they are not run again.
static std::map<std::string, Measured>
knownFailures(const SearchSubject &subject,
              const std::vector<store::StoredRecord> &records) {
  std::map<std::string, Measured> known;
  for (const store::StoredRecord &each : records) {
    const store::Record &record = each.record;
    if (each.voice != store::Voice::Own || record.retracts ||
        record.device != subject.device ||
        record.compiler != subject.compiler ||
        record.driver != subject.driver || !speaksAgainst(record.outcome))
      continue;
    Measured &failure = known[record.schedule];
    failure.outcome = record.outcome;
    failure.note = record.note;
    failure.error = store::errorValue(record.error).value_or(0);
  }
  return known;
}

rt::Result<SearchReport>
tune::searchShared(const JoinOptions &join, const SearchSubject &subject,
                   const std::string &defaultPick,
                   std::span<const Candidate> candidates, Measurer &measurer,
                   RecordSink &sink, const SearchOptions &options,
                   const std::function<void(const CurvePoint &)> &progress) {
  ATTN_TRY(JoinSeal seal, JoinSeal::make(join.keyFile));
  const Job drawn{searchDigest(subject, defaultPick, candidates, options),
                  store::randomHex(8), utcNow()};
  const std::string worker = store::randomHex(8);
  ATTN_TRY(JoinServer server,
           JoinServer::open(join.url, drawn.search, worker, join.limits));
  ATTN_TRY(const JoinServer::Entered entered,
           server.enter(drawn.session, seal.seal(drawn.text())));
  auto job = [&]() -> rt::Result<Job> {
    ATTN_TRY(const std::string json, seal.open(entered.job));
    ATTN_TRY(Job there, Job::parse(json));
    if (there.search != drawn.search || there.session != entered.session)
      return rt::badInput("it is of another search");
    return there;
  }();
  if (!job)
    return rt::badInput("join: the search on " + server.shown() +
                        " is refused: " + job.error().text);
  ATTN_TRY(JoinServer renewals,
           JoinServer::open(join.url, drawn.search, worker, join.limits));
  renewals.belongTo(entered.session);
  Shared shared{std::move(server),
                std::move(renewals),
                std::move(seal),
                std::move(*job),
                worker,
                join.limits.leaseSeconds};
  ATTN_TRY(const auto before, sink.ofProblem(subject.problem.digest()));
  SharedMeasurer all(measurer, shared, knownFailures(subject, before),
                     options.finalists + 1);
  SharedJournal journal(sink, shared.job.session, before);
  SearchOptions own = options;
  own.at = shared.job.at;
  auto report =
      search(subject, defaultPick, candidates, all, journal, own, progress);
  (void)shared.server.leave(0, {});
  return report;
}
