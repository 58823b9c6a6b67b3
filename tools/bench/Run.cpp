// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a bench runs. Invariant: no time is shown for a kernel whose output was
// not checked in this very process, on memory that held NaNs before.
#include "tools/bench/Run.h"
#include "runtime/Timer.h"
#include "runtime/Watchdog.h"
#include "runtime/tensor/NpyWriter.h"
#include "tools/api/Inspect.h"
#include "tools/bench/Print.h"
#include "tools/bench/Progress.h"

#include <chrono>
#include <filesystem>

using namespace attn_jit;
using namespace attn_jit::bench;

bool Report::failed() const {
  for (const Row &row : rows)
    if (row.failed())
      return true;
  return false;
}

/// "sm_90a" also runs where the device says "sm_90".
static bool runsOn(const std::string &target, const rt::DeviceInfo &info) {
  return info.target == target || info.target == "null" ||
         info.target + "a" == target;
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
/// A host tensor's bytes, span and gaps, on the device.
struct DeviceTensor {
  rt::Buffer buffer;
  rt::TensorArgument argument;

  static rt::Result<DeviceTensor> upload(const rt::Device &device,
                                         const rt::HostTensor &tensor) {
    DeviceTensor made;
    ATTN_TRY(made.buffer, device.allocate(tensor.spanBytes()));
    ATTN_CHECK(made.buffer.copyFrom(tensor.data(), tensor.spanBytes()));
    made.argument = {made.buffer.address(), tensor.stride(0), tensor.stride(1),
                     tensor.stride(2)};
    return made;
  }
};

/// One case on one device.
class CaseRun {
public:
  CaseRun(const Options &options, const api::Engine &engine, Row &row,
          Progress &progress)
      : options(options), engine(engine), row(row), progress(progress) {}

  rt::Status operator()() {
    progress.say(row.what.label + ": inputs");
    ATTN_CHECK(checkMemory());
    ATTN_TRY(tensors, loadTensors(row.what, options));
    ATTN_CHECK(upload());
    progress.say(row.what.label + ": compile");
    ATTN_CHECK(compile());
    ATTN_TRY(stream, engine.device().createStream());
    progress.say(row.what.label + ": run");
    ATTN_CHECK(launchOnce());
    progress.say(row.what.label + ": verify");
    ATTN_CHECK(verify());
    if (options.saveOutput)
      ATTN_CHECK(save());
    progress.say(row.what.label + ": time");
    return time();
  }

private:
  /// Before anything is made: what the tensors take, against what is free.
  rt::Status checkMemory() const {
    const rt::AttentionShape &s = row.what.shape;
    const double rows = double(s.batch) * double(s.queryHeads * s.queryLen),
                 keys = double(s.batch) * double(s.kvHeads * s.kvLen);
    const double bytes =
        (rows + keys) * double(s.headDim + s.valueDim) *
        double(api::elementBytes(row.what.description.element));
    ATTN_TRY(const rt::MemoryInfo memory, engine.device().memory());
    // The CPU also holds the host's copy.
    const bool host = engine.device().info().driver == "host";
    const double wanted = host ? 2 * bytes : bytes;
    if (memory.freeBytes <= 0 || wanted <= double(memory.freeBytes))
      return rt::success();
    return rt::Error{rt::ErrorCode::OutOfMemory,
                     "out of memory on " + engine.device().info().selector() +
                         ": " + number(wanted, 0) + " bytes asked, " +
                         std::to_string(memory.freeBytes) + " bytes free",
                     {}};
  }

  rt::Status upload() {
    const rt::AttentionShape &s = row.what.shape;
    ATTN_TRY(output, rt::HostTensor::zeros(
                         hostType(row.what.description.element),
                         {s.batch, s.queryHeads, s.queryLen, s.valueDim},
                         memoryOrder(row.what.description.layout)));
    rt::markUnwritten(output);
    const rt::Device &device = engine.device();
    ATTN_TRY(q, DeviceTensor::upload(device, tensors.query));
    ATTN_TRY(k, DeviceTensor::upload(device, tensors.key));
    ATTN_TRY(v, DeviceTensor::upload(device, tensors.value));
    ATTN_TRY(o, DeviceTensor::upload(device, output));
    a.batch = s.batch, a.qHeads = s.queryHeads, a.kvHeads = s.kvHeads;
    a.qLen = s.queryLen, a.kvLen = s.kvLen;
    a.scale = row.what.scale;
    a.q = q.argument, a.k = k.argument, a.v = v.argument, a.o = o.argument;
    if (row.what.description.lse) {
      ATTN_TRY(lseOutput,
               rt::HostTensor::zeros(rt::DType::F32,
                                     {s.batch, s.queryHeads, s.queryLen}));
      rt::markUnwritten(lseOutput);
      ATTN_TRY(lse.buffer, device.allocate(lseOutput.spanBytes()));
      ATTN_CHECK(lse.buffer.copyFrom(lseOutput.data(), lseOutput.spanBytes()));
      a.lse = {lse.buffer.address(), lseOutput.stride(0), lseOutput.stride(1),
               1};
    }
    return rt::success();
  }

  rt::Status compile() {
    api::KernelOptions wanted;
    wanted.schedule = options.schedule;
    wanted.target = row.target;
    wanted.alignment =
        api::alignmentOf(a, api::elementBytes(row.what.description.element));
    api::CacheUse use = api::CacheUse::Compiled;
    ATTN_TRY(kernel, engine.kernel(row.what.description, wanted, &use));
    const api::Compiled &compiled = kernel->compiled();
    row.cache = api::name(use);
    if (use != api::CacheUse::Memory) {
      row.compile = compiled.times;
      row.loadMs = kernel->loadMs();
    } else {
      row.loadMs = 0;
    }
    row.schedule = compiled.schedule;
    row.scheduleSource = compiled.scheduleSource;
    row.resources = kernel->resources();
    const int64_t bytes = kernel->prepared().manifest().workspaceBytes;
    if (bytes > 0) {
      ATTN_TRY(workspace, engine.device().allocate(bytes));
      a.workspace = workspace.address();
      a.workspaceBytes = bytes;
    }
    return kernel->bind(a, bound);
  }

  std::string whatRuns() const {
    const rt::AttentionShape &s = row.what.shape;
    return row.schedule + " on b" + std::to_string(s.batch) + " hq" +
           std::to_string(s.queryHeads) + " sq" + std::to_string(s.queryLen) +
           " sk" + std::to_string(s.kvLen) + " d" + std::to_string(s.headDim);
  }

  rt::Status launchOnce() {
    rt::Watchdog watchdog(options.timeoutSeconds, whatRuns());
    const auto start = std::chrono::steady_clock::now();
    ATTN_CHECK(bound.launch(stream));
    ATTN_CHECK(stream.synchronize());
    firstSeconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
    return rt::success();
  }

  rt::Status verify() {
    ATTN_CHECK(o.buffer.copyTo(output.data(), output.spanBytes()));
    rt::AttentionProblem problem;
    problem.query = tensors.query;
    problem.key = tensors.key;
    problem.value = tensors.value;
    problem.scale = row.what.scale;
    problem.causal = row.what.shape.causal;
    problem.causalAlign = row.what.shape.causalAlign;
    problem.softcap = row.what.softcap;
    ATTN_TRY(const rt::ReferenceResult reference,
             rt::referenceForward(problem, rt::rowsWithin(problem)));
    ATTN_TRY(row.error, rt::compareOutput(output, reference));
    row.tolerance = rt::tolerance(output.type());
    row.verified = row.tolerance && row.error->passes(*row.tolerance);
    if (row.what.description.lse) {
      ATTN_CHECK(lse.buffer.copyTo(lseOutput.data(), lseOutput.spanBytes()));
      ATTN_TRY(row.lseError, rt::compareLse(lseOutput, reference));
      row.verified = *row.verified && row.lseError->passes(*row.tolerance);
    }
    return options.compareToRef && options.reference == "fav2" ? comparePeer()
                                                               : rt::success();
  }

  /// Our unquantised kernel, run anew: what the quantised ones are held to.
  rt::Status comparePeer() {
    ATTN_TRY(rt::HostTensor again,
             rt::HostTensor::zeros(output.type(), output.shape(),
                                   memoryOrder(row.what.description.layout)));
    rt::markUnwritten(again);
    ATTN_CHECK(o.buffer.copyFrom(again.data(), again.spanBytes()));
    ATTN_CHECK(launchOnce());
    ATTN_CHECK(o.buffer.copyTo(again.data(), again.spanBytes()));
    ATTN_TRY(row.peer, rt::compareTensors(output, again));
    return rt::success();
  }

  rt::Status save() {
    std::error_code error;
    std::filesystem::create_directories(options.outputDir, error);
    if (error)
      return rt::badInput(
          "output_dir: '" + options.outputDir +
          "' given, which is no folder that can be made: " + error.message());
    const rt::AttentionShape &s = row.what.shape;
    const std::string name =
        row.what.label + "_" +
        std::string(api::name(row.what.description.element)) + "_b" +
        std::to_string(s.batch) + "_hq" + std::to_string(s.queryHeads) + "_hk" +
        std::to_string(s.kvHeads) + "_sq" + std::to_string(s.queryLen) + "_sk" +
        std::to_string(s.kvLen) + "_d" + std::to_string(s.headDim) + "_dv" +
        std::to_string(s.valueDim) + (s.causal ? "_causal" : "");
    return rt::writeNpy(options.outputDir + "/" + name + ".npy", output);
  }

  rt::Status time() {
    rt::TimerOptions timer;
    timer.warmupMs = options.warmupMs;
    timer.repMs = options.repMs;
    timer.flushCache = options.coldCache;
    // A batch of the timer is waited for as a whole.
    const double limit =
        options.timeoutSeconds +
        40 * (firstSeconds + 0.001 * options.warmupMs + 0.001 * options.repMs);
    rt::Watchdog watchdog(limit, whatRuns());
    ATTN_TRY(const rt::Timing timing,
             rt::measure(
                 engine.device(), stream, [&] { return bound.launch(stream); },
                 timer));
    row.timeMs = timing.medianMs;
    row.spreadMs = timing.spreadMs;
    row.minMs = timing.minMs;
    row.coldCache = timing.flushedCache;
    return rt::success();
  }

  const Options &options;
  const api::Engine &engine;
  Row &row;
  Progress &progress;
  CaseTensors tensors;
  rt::HostTensor output, lseOutput;
  DeviceTensor q, k, v, o, lse;
  rt::Buffer workspace;
  rt::AttentionArguments a;
  std::shared_ptr<const api::Kernel> kernel;
  rt::BoundLaunch bound;
  rt::Stream stream;
  double firstSeconds = 0;
};
} // namespace

/// No device: what the case compiles to.
static rt::Status compileOnly(const Options &options, const Report &report,
                              Row &row) {
  api::CompileOptions wanted = api::CompileOptions::fromEnvironment();
  wanted.target = row.target;
  wanted.schedule = options.schedule;
  ATTN_TRY(api::Compiled compiled, api::compile(row.what.description, wanted));
  ATTN_CHECK(api::addPtxasReport(compiled));
  row.compile = compiled.times;
  row.cache = api::name(api::CacheUse::Compiled);
  row.schedule = compiled.schedule;
  row.scheduleSource = compiled.scheduleSource;
  row.resources = compiled.resources;
  row.note = report.why;
  return rt::success();
}

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
  Progress progress(cases.size());
  for (const Case &one : cases) {
    Row row;
    row.what = one;
    row.target = report.target;
    progress.next();
    if (engine) {
      row.device = report.device->info().name;
      ATTN_CHECK(CaseRun(options, *engine, row, progress)());
    } else {
      progress.say(one.label + ": compile");
      ATTN_CHECK(compileOnly(options, report, row));
    }
    addMetrics(row, report.device ? &report.device->info() : nullptr,
               options.flops);
    report.rows.push_back(std::move(row));
  }
  if (engine)
    report.compiles = engine->compiles();
  return report;
}
