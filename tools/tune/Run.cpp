// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a tuning runs on, and what it says. The candidates are compiled here, on
// all cores but one, and run in a process of their own.
#include "tools/tune/Run.h"
#include "autotune/Journal.h"
#include "autotune/Measure.h"
#include "autotune/Problem.h"
#include "runtime/Printable.h"
#include "tools/api/Emit.h"
#include "tools/api/Ptxas.h"
#include "tools/bench/Progress.h"
#include "tools/cli/Format.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

using namespace attn_jit;
using namespace attn_jit::tuning;
namespace fs = std::filesystem;

namespace {
/// Images until the tuning is over.
class ScratchFolder {
public:
  static rt::Result<ScratchFolder> make() {
    std::error_code ignored;
    std::string name =
        (fs::temp_directory_path(ignored) / "attn-jit-tune-XXXXXX").string();
    if (!mkdtemp(name.data()))
      return rt::failed("tune: no folder can be made beside " +
                        rt::inQuotes(name));
    return ScratchFolder(name);
  }
  ScratchFolder(ScratchFolder &&other) noexcept : path(other.path) {
    other.path.clear();
  }
  ScratchFolder &operator=(ScratchFolder &&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path.empty())
      fs::remove_all(path, ignored);
  }
  std::string path;

private:
  explicit ScratchFolder(std::string path) : path(std::move(path)) {}
};

/// Where records go, and the search's own file.
struct Keeping {
  std::unique_ptr<tune::RecordSink> sink;
  std::string recordsIn, stateFile;
};
} // namespace

static rt::Result<Keeping> keepingOf(const Options &options,
                                     const tune::SearchSubject &subject) {
  Keeping keeping;
  const std::string name = tune::digestOf(subject).hex().substr(0, 16);
  if (!options.recordsFile.empty()) {
    keeping.recordsIn = options.recordsFile;
    keeping.stateFile = options.recordsFile + "." + name + ".tuning";
    ATTN_TRY(keeping.sink, tune::sinkInto(options.recordsFile));
    return keeping;
  }
  const store::CacheRoot root = store::findCacheRoot();
  if (!root || root.readOnly)
    return rt::badInput(
        "records: nothing given, and there is no store to "
        "write to: " +
        (root ? rt::inQuotes(root.path) + " is read-only" : root.absent) +
        "; allowed: --records FILE");
  ATTN_TRY(std::unique_ptr<store::RecordStore> store, store::openRecords(root));
  keeping.sink = tune::sinkInto(std::move(store));
  keeping.recordsIn = root.path;
  std::error_code fault;
  fs::create_directories(root.path + "/v1/tuning", fault);
  if (fault)
    return rt::failed("tune: " + rt::inQuotes(root.path + "/v1/tuning") +
                      " cannot be made: " + fault.message());
  keeping.stateFile = root.path + "/v1/tuning/" + name;
  return keeping;
}

static rt::Result<tune::SearchSubject> subjectOf(const bench::Case &what,
                                                 const bench::Options &options,
                                                 int64_t alignment,
                                                 const rt::DeviceInfo &device) {
  const rt::AttentionShape &s = what.shape;
  tune::Problem problem;
  ATTN_TRY(problem.description, api::canonicalText(what.description));
  problem.alignment = alignment;
  problem.deterministic = options.deterministic;
  problem.warmCache = !options.coldCache;
  problem.sizes =
      tune::exactSizes({s.batch, s.queryHeads, s.kvHeads, s.queryLen, s.kvLen},
                       options.deterministic);
  tune::SearchSubject subject;
  subject.problem = tune::problemKey(problem);
  subject.device = tune::deviceKey(device);
  subject.compiler = api::compilerIdentity();
  subject.driver = tune::driverText(device);
  return subject;
}

/// Made tensors are dense: rows of these many bytes, on aligned bases.
static int64_t alignmentOf(const bench::Case &what) {
  const int64_t bytes = api::elementBytes(what.description.element);
  int64_t alignment = 16;
  for (int64_t dim : {what.shape.headDim, what.shape.valueDim})
    while (dim * bytes % alignment)
      alignment /= 2;
  return alignment;
}

/// A driver assembles one image after the other; where its own release of ptxas
/// is installed, that runs on all cores and makes the same code. Otherwise the
/// image stays PTX.
static void assembleLikeDriver(api::Compiled &made, const std::string &ptxas,
                               const rt::DeviceInfo &device) {
  if (made.kind != rt::ImageKind::Ptx || ptxas.empty())
    return;
  auto assembled =
      api::assemble(ptxas, made.image, made.target, /*keepFault=*/false);
  // "13.0 (580.65.06)"
  const std::string release =
      device.driverVersion.substr(0, device.driverVersion.find(' '));
  if (!assembled || assembled->report.version != "ptxas " + release)
    return;
  made.kind = rt::ImageKind::Cubin;
  made.image = std::move(assembled->cubin);
}

rt::Result<Report> tuning::run(const Options &options) {
  const bench::Options &attention = options.attention;
  const bench::Case &what = options.what;
  ATTN_TRY(
      const rt::Device device,
      rt::openDevice(attention.device.empty() ? "auto" : attention.device));
  const rt::DeviceInfo &info = device.info();
  if (info.driver == "null")
    return rt::badInput("device: null given, which computes nothing to check; "
                        "allowed: auto, cuda:0, hip:0, cpu");
  ATTN_CHECK(api::checkTarget(info.target));
  Report report;
  report.device = info.name, report.target = info.target;
  const rt::AttentionShape &s = what.shape;
  const int64_t alignment = alignmentOf(what);
  ATTN_TRY(const api::TuneSpace space,
           api::tuneSpace(what.description, info.target, alignment,
                          {s.batch, s.queryHeads, s.kvHeads, s.queryLen,
                           s.kvLen, attention.deterministic},
                          info, options.schedules, options.sample));
  ATTN_TRY(const tune::SearchSubject subject,
           subjectOf(what, attention, alignment, info));
  report.problem = subject.problem;
  report.compiler = subject.compiler, report.driver = subject.driver;
  report.defaultSchedule = space.defaultSchedule;
  report.legal = space.legal, report.products = space.products;
  if (!space.ranked.empty())
    report.modelPick = space.ranked.front().schedule;

  ATTN_TRY(const ScratchFolder scratch, ScratchFolder::make());
  std::atomic<int> images{0};
  tune::WorkerOptions work;
  std::error_code fault;
  work.command = {fs::read_symlink("/proc/self/exe", fault).string(),
                  "measure-worker"};
  work.command.insert(work.command.end(), options.workerFlags.begin(),
                      options.workerFlags.end());
  work.folder = scratch.path;
  work.compileThreads = std::max(std::thread::hardware_concurrency(), 2u) - 1;
  const std::string ptxas = api::findPtxas();
  work.compile = [&](const std::string &schedule) -> tune::CompiledPath {
    api::CompileOptions wanted;
    wanted.target = info.target;
    wanted.schedule = schedule;
    wanted.alignment = alignment;
    ATTN_TRY(api::Compiled made, api::compile(what.description, wanted));
    assembleLikeDriver(made, ptxas, info);
    const std::string path = scratch.path + "/" + std::to_string(images++) +
                             std::string(api::imageSuffix(made.kind));
    if (auto written = api::writeImage(made, path); !written)
      return rt::notFound(written.error().text);
    return path + ".json";
  };
  tune::WorkerMeasurer measurer(std::move(work));
  std::vector<tune::Candidate> candidates;
  for (const api::RankedText &each : space.ranked)
    candidates.push_back({each.schedule, each.us});
  if (options.every > 0) {
    ATTN_TRY(report.every, timeEvery(candidates, options.every, measurer));
    return report;
  }
  ATTN_TRY(Keeping keeping, keepingOf(options, subject));
  tune::SearchOptions search;
  search.budgetSeconds = options.budgetSeconds;
  bench::Progress progress(candidates.size());
  size_t shown = 0;
  progress.say("compile");
  auto show = [&](const tune::CurvePoint &point) {
    for (; shown < point.measured; ++shown)
      progress.next();
    progress.say(cli::number(point.seconds, 1) + " of " +
                 cli::number(options.budgetSeconds, 0) + " s, best " +
                 cli::number(point.bestUs, 2) + " us");
  };
  if (!options.join.url.empty()) {
    ATTN_TRY(report.search,
             tune::searchShared(options.join, subject, space.defaultSchedule,
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
  report.recordsIn = keeping.recordsIn;
  return report;
}

std::string tuning::reportText(const Report &report) {
  if (report.every)
    return everyText(*report.every);
  const tune::SearchReport &search = report.search;
  std::string text = report.device + " (" + report.target + "), " +
                     std::to_string(report.legal) + " legal schedules, " +
                     std::to_string(search.candidates) + " in the list" +
                     (report.continued ? ", continued" : "") + "\n";
  std::string best;
  for (const tune::CurvePoint &point : search.curve) {
    text += "  " + cli::number(point.seconds, 1) + " s  " +
            std::to_string(point.measured) + " measured  best " +
            cli::number(point.bestUs, 2) + " us";
    if (point.best != best)
      text += "  " + point.best;
    best = point.best;
    text += "\n";
  }
  const tune::Estimate &won = search.winnerTime;
  text += "winner: " + search.winner + "\n  " + cli::number(won.medianUs, 2) +
          " us +- " + cli::number(won.halfWidth(), 2);
  if (!search.defaultRan)
    text += ", the default does not run\n";
  else if (search.winner == report.defaultSchedule)
    text += ", the default: nothing is faster beyond noise\n";
  else
    text += ", " + cli::number(search.ratio(), 3) + " of the default's " +
            cli::number(search.defaultTime.medianUs, 2) + " us\n";
  text += std::to_string(search.measured) + " of " +
          std::to_string(search.candidates) + " measured, " +
          std::to_string(search.failed) + " failed, " +
          std::to_string(search.reused) +
          " known before; stopped: " + std::string(tune::name(search.stop)) +
          "\nrecords: " + report.recordsIn + "\n";
  return text;
}

std::string tuning::jsonText(const Report &report) {
  using Json = nlohmann::ordered_json;
  const tune::SearchReport &search = report.search;
  Json json;
  json["device"] = report.device;
  json["target"] = report.target;
  json["driver"] = report.driver;
  json["compiler"] = report.compiler;
  for (const auto &[label, value] : report.problem.fields())
    json["problem"][label] = value;
  json["default"] = report.defaultSchedule;
  json["legal"] = report.legal;
  if (report.every) {
    json["samples"] = report.every->samples;
    json["seconds"] = report.every->seconds;
    for (const EveryTime &each : report.every->times) {
      const bool ran = each.measured.outcome == store::Outcome::Ok;
      json["predicted_us"][each.candidate.schedule] =
          each.candidate.predictedUs;
      json["us"][each.candidate.schedule] =
          ran ? Json(each.medianUs()) : Json();
    }
    return json.dump(1) + "\n";
  }
  json["candidates"] = search.candidates;
  json["measured"] = search.measured;
  json["failed"] = search.failed;
  json["reused"] = search.reused;
  json["seconds"] = search.seconds;
  json["stop"] = tune::name(search.stop);
  json["continued"] = report.continued;
  json["session"] = search.session;
  json["winner"] = search.winner;
  json["winner_us"] = search.winnerTime.medianUs;
  json["default_us"] =
      search.defaultRan ? Json(search.defaultTime.medianUs) : Json();
  json["ratio"] = search.defaultRan ? Json(search.ratio()) : Json();
  json["model_pick"] = report.modelPick;
  json["records"] = report.recordsIn;
  json["curve"] = Json::array();
  for (const tune::CurvePoint &point : search.curve)
    json["curve"].push_back({{"seconds", point.seconds},
                             {"measured", point.measured},
                             {"best", point.best},
                             {"best_us", point.bestUs}});
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}
