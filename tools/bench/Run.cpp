// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a bench runs, and its rows in turn.
#include "tools/bench/Run.h"
#include "tools/api/Inspect.h"
#include "tools/bench/CaseRun.h"

#include <algorithm>
#include <chrono>
#include <map>

using namespace attn_jit;
using namespace attn_jit::bench;

bool Report::finishedAny() const {
  return std::ranges::any_of(rows, [](const Row &row) { return !row.fault; });
}

int Report::exitCode() const {
  int code = 0;
  for (const Row &row : rows)
    code =
        std::max(code, row.fault ? row.fault->exitCode() : int(row.failed()));
  return code;
}

/// What is compiled for NVIDIA's chips is PTX.
static bool runsOn(const std::string &target, const rt::DeviceInfo &info) {
  return rt::targetFits(target, info, rt::ImageKind::Ptx);
}

/// The device to run on: the one named, else the first that takes the target.
static rt::Status chooseDevice(const Options &options, Report &report) {
  report.target = options.target;
  if (!options.device.empty() || options.target.empty()) {
    ATTN_TRY(rt::Device device,
             rt::openDevice(options.device.empty() ? "auto" : options.device));
    const rt::DeviceInfo &info = device.info();
    if (report.target.empty())
      report.target = info.target == "null" ? "cpu" : info.target;
    if (!runsOn(report.target, info))
      return rt::badInput("target: " + report.target + " given, " +
                          info.selector() + " is " + info.target);
    if (auto known = api::checkTarget(report.target); !known) {
      rt::Error error = known.takeError();
      error.text = "device: " + info.selector() + " (" + info.name +
                   ") given; " + error.text;
      return error;
    }
    report.device = std::move(device);
    return rt::success();
  }
  std::string absent;
  for (const rt::DriverReport &driver : rt::enumerateDrivers()) {
    for (const rt::Device &device : driver.devices)
      if (!report.device && runsOn(report.target, device.info()))
        report.device = device;
    if (!driver.absent.empty())
      absent += (absent.empty() ? "" : "; ") + driver.absent;
  }
  if (!report.device)
    report.why = "no " + report.target + " device here" +
                 (absent.empty() ? "" : " (" + absent + ")");
  return rt::success();
}

namespace {
/// For a target without a device: what its cases compile to, each kernel once.
class CompileOnly {
public:
  explicit CompileOnly(const Options &options) : options(options) {}

  rt::Status operator()(Row &row) {
    api::CompileOptions wanted = api::CompileOptions::fromEnvironment();
    wanted.target = row.target;
    wanted.schedule = options.schedule;
    const bool bypass =
        !wanted.dumpFolder.empty() || !wanted.overrideFolder.empty();
    api::setClass(wanted, row.what.description,
                  row.what.typicalCall(options.deterministic));
    const std::string request =
        api::identity(row.what.description) + wanted.calls.str();
    auto found = kernels.find(request);
    const bool known = found != kernels.end() && !bypass;
    if (!known) {
      ++compiles;
      ATTN_TRY(api::Compiled made, api::compile(row.what.description, wanted));
      ATTN_CHECK(api::addPtxasReport(made));
      row.compile = made.times;
      found = kernels.insert_or_assign(request, std::move(made)).first;
    }
    row.cache = api::name(bypass  ? api::CacheUse::Bypassed
                          : known ? api::CacheUse::Memory
                                  : api::CacheUse::Compiled);
    const api::Compiled &compiled = found->second;
    row.schedule = compiled.schedule;
    row.scheduleSource = compiled.scheduleSource;
    row.resources = compiled.resources;
    return rt::success();
  }

  int64_t compiles = 0;

private:
  const Options &options;
  std::map<std::string, api::Compiled> kernels; ///< of one target and schedule
};
} // namespace

rt::Result<Report> bench::run(const Options &options) {
  Report report;
  ATTN_CHECK(chooseDevice(options, report));
  ATTN_TRY(const std::vector<Case> cases, listCases(options));
  std::optional<api::Engine> engine;
  if (report.device) {
    const auto start = std::chrono::steady_clock::now();
    ATTN_CHECK(report.device->activate());
    report.contextMs = std::chrono::duration<double, std::milli>(
                           std::chrono::steady_clock::now() - start)
                           .count();
    engine.emplace(*report.device);
  }
  CompileOnly compileOnly(options);
  Progress progress(cases.size());
  for (const Case &one : cases) {
    Row row;
    row.what = one;
    row.target = report.target;
    progress.next();
    rt::Status done;
    if (engine) {
      row.device = report.device->info().name;
      done = runCase(options, *engine, row, progress);
    } else {
      progress.say(one.label + ": compile");
      row.note = report.why;
      done = compileOnly(row);
    }
    if (!done)
      row.fault = done.takeError();
    addMetrics(row, report.device ? &report.device->info() : nullptr,
               options.flops);
    report.rows.push_back(std::move(row));
  }
  report.compiles = engine ? engine->compiles() : compileOnly.compiles;
  return report;
}
