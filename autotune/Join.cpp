// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a worker needs to take part: its way to the server, the job that all
// work on, and where its records go.
#include "autotune/Join.h"
#include "autotune/Choice.h"
#include "autotune/JoinMeasurer.h"
#include "runtime/store/files/Random.h"

#include <set>

using namespace attn_jit;
using namespace attn_jit::tune;

/// A chunk of all workers. At its end they wait for whoever is last, and each
/// compiles only its part of it and of the next one: small ones leave the
/// devices, and the processors of large hosts, idle.
static constexpr size_t kMostChunk = 64;

namespace {
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
  char line[352];
  std::snprintf(
      line, sizeof line, "%.17g %llu %d %d %zu %zu %zu %.17g %.17g %d\n",
      options.budgetSeconds, static_cast<unsigned long long>(options.seed),
      options.firstSamples, options.finalSamples, options.chunk,
      options.mostChunk, options.finalists, options.firstShare, options.margin,
      options.retries);
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
  SearchOptions own = options;
  own.mostChunk = std::max(own.mostChunk, kMostChunk);
  const Job drawn{searchDigest(subject, defaultPick, candidates, own),
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
                join.limits.leaseSeconds,
                join.images,
                {drawn.search, join.target, join.release, {}}};
  ATTN_TRY(const auto before, sink.ofProblem(subject.problem.digest()));
  SharedMeasurer all(measurer, shared, knownFailures(subject, before),
                     options.finalists + 1);
  SharedJournal journal(sink, shared.job.session, before);
  own.at = shared.job.at;
  auto report =
      search(subject, defaultPick, candidates, all, journal, own, progress);
  (void)shared.server.leave(0, {});
  if (join.images && report)
    join.images->withdraw(drawn.search);
  return report;
}
