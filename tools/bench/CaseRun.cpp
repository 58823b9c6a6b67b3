// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a case runs. Invariant: no time is shown for a kernel whose output was
// not looked at in this very process, on memory that held NaNs before.
#include "tools/bench/CaseRun.h"
#include "runtime/Timer.h"
#include "runtime/Watchdog.h"
#include "runtime/tensor/NpyWriter.h"
#include "tools/api/Inspect.h"
#include "tools/bench/Tensors.h"
#include "tools/cli/Format.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

using namespace attn_jit;
using namespace attn_jit::bench;

namespace {
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
  /// Before anything is made: what the tensors take, against what is free. The
  /// host holds each beside the device's copy.
  rt::Status checkMemory() const {
    const rt::AttentionShape &s = row.what.shape;
    const double rows = double(s.batch) * double(s.queryHeads * s.queryLen),
                 keys = double(s.batch) * double(s.kvHeads * s.kvLen);
    const double bytes =
        (rows + keys) * double(s.headDim + s.valueDim) *
        double(api::elementBytes(row.what.description.element));
    if (engine.device().info().driver == "host")
      return checkFree(engine.device(), 2 * bytes);
    ATTN_CHECK(checkFree(engine.device(), bytes));
    ATTN_TRY(const rt::Device host, rt::openDevice("cpu"));
    return checkFree(host, bytes);
  }

  static rt::Status checkFree(const rt::Device &device, double bytes) {
    ATTN_TRY(const rt::MemoryInfo memory, device.memory());
    if (memory.freeBytes <= 0 || bytes <= double(memory.freeBytes))
      return rt::success();
    return rt::Error{rt::ErrorCode::OutOfMemory,
                     "out of memory on " + device.info().selector() + ": " +
                         cli::number(bytes, 0) + " bytes asked, " +
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
      ATTN_TRY(lse, DeviceTensor::upload(device, lseOutput));
      a.lse = lse.argument;
    }
    return rt::success();
  }

  rt::Status compile() {
    api::KernelOptions wanted;
    wanted.schedule = options.schedule;
    wanted.target = row.target;
    wanted.alignment =
        api::alignmentOf(a, api::elementBytes(row.what.description.element));
    wanted.typical = row.what.typicalCall(options.deterministic);
    api::CacheUse use = api::CacheUse::Compiled;
    api::ChosenBy chosen;
    ATTN_TRY(kernel,
             engine.kernel(row.what.description, wanted, &use, &chosen));
    const api::Compiled &compiled = kernel->compiled();
    row.cache = api::name(use);
    row.origin = compiled.origin, row.signer = compiled.signer;
    if (use != api::CacheUse::Memory) {
      row.compile = compiled.times;
      row.loadMs = kernel->loadMs();
      row.loaded = rt::name(kernel->loadedKind());
    } else {
      row.loadMs = 0;
    }
    row.schedule = compiled.schedule;
    row.scheduleSource = chosen.source;
    row.resources = kernel->resources();
    // Local memory does not tell spills from stack; the assembler does.
    if (!row.resources.spills && row.resources.localBytes) {
      api::Compiled again = compiled;
      ATTN_CHECK(api::addPtxasReport(again));
      row.resources.spills = again.resources.spills;
    }
    const int64_t bytes = kernel->prepared().manifest().workspaceBytes;
    if (bytes > 0) {
      ATTN_TRY(workspace, engine.device().allocate((bytes + 3) / 4 * 4));
      ATTN_CHECK(workspace.fill(0));
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
    if (!row.what.unverifiable.empty())
      return checkWritten();
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
    row.tolerance =
        rt::tolerance(output.type(), row.what.kind,
                      row.what.description.precision == api::Precision::TF32);
    row.verified = row.tolerance && row.error->passes(*row.tolerance);
    if (row.what.description.lse) {
      ATTN_CHECK(lse.buffer.copyTo(lseOutput.data(), lseOutput.spanBytes()));
      ATTN_TRY(row.lseError, rt::compareLse(lseOutput, reference));
      row.verified = *row.verified && row.lseError->passes(*row.tolerance);
    }
    return options.compareToRef && options.reference == "fav2" ? comparePeer()
                                                               : rt::success();
  }

  /// No reference: at least every element is written, and none a NaN.
  rt::Status checkWritten() {
    ATTN_TRY(const rt::Comparison own, rt::compareTensors(output, output));
    if (own.unwritten || own.nonFinite) {
      row.verified = false;
      row.error = own;
    }
    return rt::success();
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
    return engine.device().info().driver == "host" ? rt::success() : timeHost();
  }

  /// The median over launches in a row, fewer than a stream's queue holds.
  rt::Status timeHost() {
    constexpr double most = 64, seconds = 0.1;
    const double count =
        std::clamp(1e3 * seconds / std::max(*row.timeMs, 1e-3), 3.0, most);
    std::vector<double> times;
    ATTN_CHECK(stream.synchronize());
    for (int i = 0; i < int(count); ++i) {
      const auto start = std::chrono::steady_clock::now();
      ATTN_CHECK(kernel->launch(a, stream));
      times.push_back(std::chrono::duration<double, std::micro>(
                          std::chrono::steady_clock::now() - start)
                          .count());
    }
    std::nth_element(times.begin(), times.begin() + times.size() / 2,
                     times.end());
    row.launchUs = times[times.size() / 2];
    return stream.synchronize();
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

rt::Status bench::runCase(const Options &options, const api::Engine &engine,
                          Row &row, Progress &progress) {
  return CaseRun(options, engine, row, progress)();
}
