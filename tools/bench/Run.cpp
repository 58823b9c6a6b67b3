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

rt::Status bench::chooseDevice(const Options &options, Report &report) {
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

/// A tensor as the case's layout lays it, at an address that nothing reads.
static rt::TensorArgument denseTensor(api::Layout layout, int64_t heads,
                                      int64_t rows, int64_t dim) {
  constexpr uint64_t nowhere = 1 << 20;
  if (layout == api::Layout::BSHD)
    return {nowhere, rows * heads * dim, dim, heads * dim};
  return {nowhere, heads * rows * dim, rows * dim, dim};
}

namespace {
/// For a target without a device: what its cases compile to, each kernel once,
/// and whether a launch would take them. The null device binds as any other.
class CompileOnly {
public:
  CompileOnly(const Options &options, api::Engine null)
      : options(options), engine(std::move(null)) {}

  rt::Status operator()(Row &row) {
    api::KernelOptions wanted = row.what.kernelOptions(options);
    wanted.target = row.target;
    api::CacheUse use = api::CacheUse::Compiled;
    api::ChosenBy chosen;
    ATTN_TRY(const std::shared_ptr<const api::Kernel> kernel,
             engine.kernel(row.what.description, wanted, &use, &chosen));
    const api::Compiled &compiled = kernel->compiled();
    row.cache = api::name(use);
    row.origin = compiled.origin, row.signer = compiled.signer;
    if (use != api::CacheUse::Memory)
      row.compile = compiled.times;
    row.schedule = compiled.schedule;
    row.scheduleSource = chosen.source;
    auto found = reported.find(kernel);
    if (found == reported.end()) {
      api::Compiled again = compiled;
      ATTN_CHECK(api::addPtxasReport(again));
      found = reported.emplace(kernel, again.resources).first;
    }
    row.resources = found->second;
    rt::BoundLaunch bound;
    return kernel->bind(
        argumentsOf(row.what, kernel->prepared().manifest().workspaceBytes),
        bound);
  }

  int64_t compiles() const { return engine.compiles(); }

private:
  static rt::AttentionArguments argumentsOf(const Case &one,
                                            int64_t workspaceBytes) {
    const rt::AttentionShape &s = one.shape;
    const api::Layout layout = one.description.layout;
    rt::AttentionArguments a;
    a.batch = s.batch, a.qHeads = s.queryHeads, a.kvHeads = s.kvHeads;
    a.qLen = s.queryLen, a.kvLen = s.kvLen;
    a.scale = one.scale;
    a.q = denseTensor(layout, s.queryHeads, s.queryLen, s.headDim);
    a.k = denseTensor(layout, s.kvHeads, s.kvLen, s.headDim);
    a.v = denseTensor(layout, s.kvHeads, s.kvLen, s.valueDim);
    a.o = denseTensor(layout, s.queryHeads, s.queryLen, s.valueDim);
    if (one.description.lse)
      a.lse = {a.q.address, s.queryHeads * s.queryLen, s.queryLen, 1};
    a.workspace = a.q.address;
    a.workspaceBytes = workspaceBytes;
    return a;
  }

  const Options &options;
  const api::Engine engine;
  /// With what ptxas says, where it is found.
  std::map<std::shared_ptr<const api::Kernel>, rt::Resources> reported;
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
    ATTN_TRY(engine, api::Engine::open(*report.device, options.engine));
  }
  // A pin of a device does not hold for what is compiled without it.
  api::EngineOptions without = options.engine;
  if (engine)
    without.pinFile.clear();
  ATTN_TRY(api::Engine null, api::Engine::open("null", without));
  CompileOnly compileOnly(options, std::move(null));
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
  report.compiles = engine ? engine->compiles() : compileOnly.compiles();
  return report;
}
