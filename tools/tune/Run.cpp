// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a tuning runs on, and what it says. The candidates are compiled here, on
// all cores but one, and run in a process of their own.
#include "tools/tune/Run.h"
#include "autotune/Journal.h"
#include "autotune/Measure.h"
#include "autotune/Pin.h"
#include "autotune/Problem.h"
#include "runtime/File.h"
#include "runtime/Printable.h"
#include "runtime/Processors.h"
#include "runtime/TemporaryFolder.h"
#include "tools/api/MachineCode.h"
#include "tools/bench/Progress.h"
#include "tools/cli/Format.h"
#include "tools/tune/Images.h"
#include "tools/tune/Keeping.h"

#include <algorithm>
#include <filesystem>
#include <set>

using namespace attn_jit;
using namespace attn_jit::tuning;
namespace fs = std::filesystem;

/// Beside these the first step, of 16, holds the default and the model's best.
static constexpr size_t kMostHeard = 7;

static tune::SearchSubject subjectOf(const bench::Case &what,
                                     const bench::Options &options,
                                     int64_t alignment,
                                     const tune::Sizes &sizes,
                                     const rt::DeviceInfo &device) {
  tune::Problem problem;
  problem.description = api::labelledText(what.description);
  problem.alignment = alignment;
  problem.deterministic = options.deterministic;
  problem.warmCache = !options.coldCache;
  problem.sizes = sizes;
  tune::SearchSubject subject;
  subject.problem = tune::problemKey(problem);
  subject.device = tune::deviceKey(device);
  subject.compiler = api::compilerIdentity();
  subject.driver = tune::driverText(device);
  return subject;
}

static tune::Call callOf(const bench::Case &what) {
  const rt::AttentionShape &s = what.shape;
  return {s.batch, s.queryHeads, s.kvHeads, s.queryLen, s.kvLen};
}

namespace {
/// One search, of the options' case at some sizes.
class Tuning {
public:
  Tuning(const Options &options, rt::Device opened)
      : options(options), device(std::move(opened)), info(device.info()) {}

  rt::Result<Report> run() {
    const bench::Options &attention = options.attention;
    const tune::Call call = callOf(options.what);
    if (!options.bucket)
      return search(options.what,
                    tune::exactSizes(call, attention.deterministic), nullptr);
    const tune::Sizes most =
        tune::bucketOf(call, tune::At::Most, attention.deterministic);
    const tune::Sizes least =
        tune::bucketOf(call, tune::At::Least, attention.deterministic);
    ATTN_TRY(Report report, search(caseAt(most), most, nullptr));
    const Records atMost = records;
    // Only what was measured at both ends can serve between them.
    const std::vector<tune::Candidate> finalists = finalistsOf(report);
    ATTN_TRY(Report below, search(caseAt(least), least, &finalists));
    tune::ChoiceQuery query;
    query.device = subject.device;
    query.compiler = subject.compiler, query.driver = subject.driver;
    query.defaultPick = report.defaultSchedule;
    query.least = records, query.most = atMost;
    query.legal = [](const std::string &) { return true; }; // they ran
    report.served = tune::choose(query);
    report.least = std::make_shared<const Report>(std::move(below));
    return report;
  }

  /// What the last search was of.
  const tune::SearchSubject &last() const { return subject; }

private:
  using Records = std::vector<store::StoredRecord>;

  bench::Case caseAt(const tune::Sizes &sizes) const {
    const tune::Call call = sizes.callAt(sizes.at);
    bench::Case what = options.what;
    rt::AttentionShape &s = what.shape;
    s.batch = call.batch;
    s.queryHeads = call.queryHeads, s.kvHeads = call.kvHeads;
    s.queryLen = call.queryLen, s.kvLen = call.kvLen;
    return what;
  }

  /// The flags of another process that has the same case.
  std::vector<std::string> workerFlags(const bench::Case &what) const {
    const rt::AttentionShape &s = what.shape;
    const std::pair<const char *, int64_t> sizes[] = {{"--batch=", s.batch},
                                                      {"--hq=", s.queryHeads},
                                                      {"--hk=", s.kvHeads},
                                                      {"--sq=", s.queryLen},
                                                      {"--sk=", s.kvLen}};
    std::vector<std::string> flags = options.workerFlags;
    for (const auto &[flag, size] : sizes) {
      std::erase_if(flags, [&, &own = flag](const std::string &each) {
        return each.starts_with(own);
      });
      flags.push_back(flag + std::to_string(size));
    }
    return flags;
  }

  std::vector<tune::Candidate> finalistsOf(const Report &report) const {
    std::vector<tune::Candidate> candidates;
    const std::string session = tune::finalSession(report.search.session);
    for (const store::StoredRecord &each : records)
      if (each.record.session == session &&
          each.record.outcome == store::Outcome::Ok)
        candidates.push_back({each.record.schedule, 0});
    return candidates;
  }

  /// `only`, where given, are all that is searched. Leaves subject and records.
  rt::Result<Report> search(const bench::Case &what, const tune::Sizes &sizes,
                            const std::vector<tune::Candidate> *only);

  const Options &options;
  const rt::Device device;
  const rt::DeviceInfo &info;
  tune::SearchSubject subject;
  Records records;
};
} // namespace

rt::Result<Report> Tuning::search(const bench::Case &what,
                                  const tune::Sizes &sizes,
                                  const std::vector<tune::Candidate> *only) {
  const bench::Options &attention = options.attention;
  Report report;
  report.device = info.name, report.target = info.target;
  report.share = options.share;
  const rt::AttentionShape &s = what.shape;
  const ImageMaking making(what, attention);
  subject = subjectOf(what, attention, making.alignment(), sizes, info);
  // All that share a search make the same list of it, and what is timed to
  // judge by, or for a file, has nothing to do with this owner's records.
  std::vector<std::string> heard;
  if (!only && options.join.url.empty() && options.recordsFile.empty() &&
      options.every == 0) {
    ATTN_TRY(heard, heardOf(subject));
  }
  ATTN_TRY(const api::TuneSpace space,
           api::tuneSpace(what.description, info.target, making.alignment(),
                          {s.batch, s.queryHeads, s.kvHeads, s.queryLen,
                           s.kvLen, attention.deterministic},
                          info, only ? 1 : options.schedules,
                          only ? 0 : options.sample, heard));
  report.problem = subject.problem;
  report.compiler = subject.compiler, report.driver = subject.driver;
  report.defaultSchedule = space.defaultSchedule;
  report.legal = space.legal, report.products = space.products;
  if (!space.ranked.empty())
    report.modelPick = space.ranked.front().schedule;

  // Images, until the tuning is over.
  ATTN_TRY(const rt::TemporaryFolder scratch,
           rt::TemporaryFolder::make("attn-jit-tune-"));
  tune::WorkerOptions work;
  std::error_code fault;
  work.command = {fs::read_symlink("/proc/self/exe", fault).string(),
                  "measure-worker"};
  const std::vector<std::string> flags = workerFlags(what);
  work.command.insert(work.command.end(), flags.begin(), flags.end());
  work.folder = scratch.path();
  // The same share of the cores compiles, one at least.
  const int cores = std::max(rt::usableProcessors(), 2);
  work.share = options.share;
  work.compileThreads =
      unsigned(std::clamp(int(options.share * cores), 1, cores - 1));
  std::unique_ptr<tune::JoinImages> shared;
  if (!options.join.keyFile.empty()) {
    ATTN_TRY(shared,
             tune::JoinImages::open(options.join.url, options.join.keyFile,
                                    making.name()));
  }
  Images images(making, info.target, api::driverRelease(info), scratch.path(),
                shared.get());
  work.compile = [&](const std::string &schedule) {
    return images.path(schedule);
  };
  work.elsewhere = [&](const std::string &schedule) {
    return images.elsewhere(schedule);
  };
  tune::WorkerMeasurer measurer(std::move(work));
  std::vector<tune::Candidate> candidates;
  if (only)
    candidates = *only;
  std::set<std::string> listed;
  auto list = [&](const api::RankedText &each) {
    if (!only && listed.insert(each.schedule).second)
      candidates.push_back({each.schedule, each.us});
  };
  report.heard = std::min(space.heard.size(), kMostHeard);
  std::for_each_n(space.heard.begin(), report.heard, list);
  std::ranges::for_each(space.ranked, list);
  if (options.every > 0) {
    ATTN_TRY(report.every, timeEvery(candidates, options.every, measurer));
    return report;
  }
  ATTN_TRY(Keeping keeping, keepingOf(options, subject));
  tune::SearchOptions search;
  search.share = options.share;
  // The smaller call of a bucket has few candidates, the larger one the space.
  search.budgetSeconds = options.budgetSeconds * (!options.bucket ? 1
                                                  : only          ? 0.25
                                                                  : 0.75);
  bench::Progress progress(candidates.size());
  size_t shown = 0;
  progress.say("compile");
  auto show = [&](const tune::CurvePoint &point) {
    for (; shown < point.measured; ++shown)
      progress.next();
    progress.say(cli::number(point.seconds, 1) + " of " +
                 cli::number(search.budgetSeconds, 0) + " s, best " +
                 cli::number(point.bestUs, 2) + " us");
  };
  if (!options.join.url.empty()) {
    tune::JoinOptions join = options.join;
    join.images = shared.get();
    join.target = info.target, join.release = api::driverRelease(info);
    ATTN_TRY(report.search,
             tune::searchShared(join, subject, space.defaultSchedule,
                                candidates, measurer, *keeping.sink, search,
                                show));
  } else {
    ATTN_TRY(auto journal, tune::FileJournal::open(keeping.stateFile, subject,
                                                   *keeping.sink));
    ATTN_TRY(report.search,
             tune::search(subject, space.defaultSchedule, candidates, measurer,
                          *journal, search, show));
    report.continued = journal->continues();
  }
  report.compiled = images.compiled(), report.taken = images.taken();
  report.usedSeconds = measurer.usedSeconds();
  report.recordsIn = keeping.recordsIn;
  if (keeping.exchange)
    keeping.exchange->offer(subject.problem.digest(), report.search.session);
  ATTN_TRY(records, keeping.sink->ofProblem(subject.problem.digest()));
  return report;
}

rt::Result<Report> tuning::run(const Options &options) {
  const std::string &selector = options.attention.device;
  ATTN_TRY(rt::Device device,
           rt::openDevice(selector.empty() ? "auto" : selector));
  const rt::DeviceInfo info = device.info();
  if (info.driver == "null")
    return rt::badInput("device: null given, which computes nothing to check; "
                        "allowed: auto, cuda:0, hip:0, cpu");
  ATTN_CHECK(api::checkTarget(info.target));
  std::optional<tune::Pin> pin;
  if (!options.pinFile.empty()) {
    // Of this environment, before anything is measured.
    ATTN_TRY(pin,
             tune::Pin::loadOrNew(options.pinFile, {api::compilerIdentity(),
                                                    tune::driverText(info),
                                                    tune::deviceKey(info)}));
  }
  Tuning tuning(options, std::move(device));
  ATTN_TRY(Report report, tuning.run());
  if (pin) {
    // A bucket goes by the name of its smaller end, which was searched last.
    pin->set(tuning.last().problem,
             report.served ? report.served->schedule : report.search.winner);
    ATTN_CHECK(rt::writeFile(options.pinFile, pin->text()));
  }
  return report;
}
