// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Inputs, reference and device are made once; kernels come and stay. Invariant:
// a kernel is checked on memory that held NaNs before, and nothing is timed
// that did not pass.
#include "tools/tune/Worker.h"
#include "autotune/Pace.h"
#include "runtime/check/Compare.h"
#include "tools/bench/Tensors.h"

#include <csignal>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sys/prctl.h>

using namespace attn_jit;
using namespace attn_jit::tuning;
using Json = nlohmann::json;

/// Multiply-adds of the reference: seconds of one core. What a tile, a ring or
/// a mask gets wrong shows in the rows that are sampled then.
static constexpr double kReferenceWork = 4e9;

static void say(const Json &answer) {
  const std::string line =
      answer.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

namespace {
struct Loaded {
  rt::PreparedKernel kernel;
  rt::BoundLaunch bound;
  rt::Buffer workspace;
};

class Worker {
public:
  Worker(const bench::Options &options, const bench::Case &what, double share)
      : options(options), what(what), share(share), pace(share) {}

  rt::Status setUp() {
    ATTN_TRY(device,
             rt::openDevice(options.device.empty() ? "auto" : options.device));
    ATTN_TRY(tensors, bench::loadTensors(what, options));
    const rt::AttentionShape &s = what.shape;
    ATTN_TRY(output, rt::HostTensor::zeros(
                         bench::hostType(what.description.element),
                         {s.batch, s.queryHeads, s.queryLen, s.valueDim},
                         bench::memoryOrder(what.description.layout)));
    rt::markUnwritten(output);
    const tune::Pace::Use use(pace);
    ATTN_TRY(q, bench::DeviceTensor::upload(device, tensors.query));
    ATTN_TRY(k, bench::DeviceTensor::upload(device, tensors.key));
    ATTN_TRY(v, bench::DeviceTensor::upload(device, tensors.value));
    ATTN_TRY(o, bench::DeviceTensor::upload(device, output));
    if (what.description.lse) {
      ATTN_TRY(lseOutput,
               rt::HostTensor::zeros(rt::DType::F32,
                                     {s.batch, s.queryHeads, s.queryLen}));
      ATTN_TRY(lse, bench::DeviceTensor::upload(device, lseOutput));
      call.lse = lse.argument;
    }
    call.batch = s.batch, call.qHeads = s.queryHeads, call.kvHeads = s.kvHeads;
    call.qLen = s.queryLen, call.kvLen = s.kvLen;
    call.scale = what.scale;
    call.q = q.argument, call.k = k.argument, call.v = v.argument;
    call.o = o.argument;
    ATTN_TRY(stream, device.createStream());
    ATTN_TRY(begin, device.createEvent());
    ATTN_TRY(end, device.createEvent());
    if (options.coldCache && device.info().l2Bytes > 0) {
      ATTN_TRY(flush, device.allocate(device.info().l2Bytes * 2 / 4 * 4));
      // What the first touch of its pages takes, or whom it kills for want of
      // memory, says nothing of the schedule that is timed first.
      ATTN_CHECK(flush.fill(0, stream));
      ATTN_CHECK(stream.synchronize());
    }
    return makeReference();
  }

  const rt::DeviceInfo &info() const { return device.info(); }

  /// Said, and then a rest from what it took.
  void answer(Json text) {
    if (share < 1)
      text["used_s"] = pace.usedSeconds();
    say(text);
    pace.rest();
  }

  Json load(const Json &request) {
    const int64_t number = request.value("load", int64_t(0));
    double error = 0;
    auto done = prepare(number, request.value("manifest", std::string()),
                        request.value("check", true), error);
    if (done)
      return {{"ok", number}, {"error", error}};
    return failure(done.error(), error);
  }

  /// A sample; what was enqueued before is done when its events are read. With
  /// what the device's clocks did, where it tells.
  rt::Result<Json> sample(int64_t number) {
    auto found = kernels.find(number);
    if (found == kernels.end())
      return rt::failed("worker: kernel " + std::to_string(number) +
                        " is not loaded");
    const tune::Pace::Use use(pace);
    if (flush)
      ATTN_CHECK(flush.fill(0, stream));
    ATTN_CHECK(begin.record(stream));
    ATTN_CHECK(found->second->bound.launch(stream));
    ATTN_CHECK(end.record(stream));
    ATTN_CHECK(stream.synchronize());
    ATTN_TRY(const double ms, end.elapsedMs(begin));
    Json answer = {{"us", ms * 1e3}};
    if (const auto clocks = device.clocks()) {
      answer["clock_mhz"] = clocks->clockMHz;
      if (clocks->thermalSlowdown)
        answer["throttled"] = true;
      if (clocks->powerCap)
        answer["power_cap"] = true;
    }
    return answer;
  }

  static Json failure(const rt::Error &error, double relative) {
    const bool wrong = error.text.starts_with(kWrong);
    Json answer = {{"failed", wrong ? "wrong" : "launch_failed"},
                   {"note", error.text},
                   {"error", relative}};
    // After a fault of the device nothing that follows can be believed.
    if (!wrong && error.code == rt::ErrorCode::Failed)
      answer["ends"] = true;
    return answer;
  }

private:
  static constexpr std::string_view kWrong = "wrong: ";

  rt::Status makeReference() {
    rt::AttentionProblem problem;
    problem.query = tensors.query, problem.key = tensors.key;
    problem.value = tensors.value;
    problem.scale = what.scale;
    problem.causal = what.shape.causal;
    problem.causalAlign = what.shape.causalAlign;
    problem.softcap = what.softcap;
    ATTN_TRY(reference, rt::referenceForward(
                            problem, rt::rowsWithin(problem, kReferenceWork)));
    const auto most =
        rt::tolerance(output.type(), what.kind,
                      what.description.precision == api::Precision::TF32);
    if (!most)
      return rt::unsupported("dtype: given, the reference has no tolerance "
                             "for it");
    allowed = *most;
    return rt::success();
  }

  rt::Status prepare(int64_t number, const std::string &path, bool check,
                     double &error) {
    auto loaded = std::make_unique<Loaded>();
    ATTN_TRY(rt::KernelFiles files, rt::readKernelFiles(path));
    const int64_t bytes = files.manifest.workspaceBytes;
    ATTN_TRY(loaded->kernel, rt::prepare(device, std::move(files.manifest),
                                         files.image, {files.imagePath}));
    rt::AttentionArguments own = call;
    if (bytes > 0) {
      ATTN_TRY(loaded->workspace, device.allocate((bytes + 3) / 4 * 4));
      ATTN_CHECK(loaded->workspace.fill(0));
      own.workspace = loaded->workspace.address();
      own.workspaceBytes = bytes;
    }
    ATTN_CHECK(loaded->kernel.bind(own, loaded->bound));
    if (check)
      ATTN_CHECK(checkOnce(*loaded, error));
    kernels[number] = std::move(loaded);
    return rt::success();
  }

  rt::Status checkOnce(const Loaded &loaded, double &error) {
    rt::markUnwritten(output);
    ATTN_CHECK(o.buffer.copyFrom(output.data(), output.spanBytes()));
    if (what.description.lse) {
      rt::markUnwritten(lseOutput);
      ATTN_CHECK(lse.buffer.copyFrom(lseOutput.data(), lseOutput.spanBytes()));
    }
    {
      const tune::Pace::Use use(pace);
      ATTN_CHECK(loaded.bound.launch(stream));
      ATTN_CHECK(stream.synchronize());
      ATTN_CHECK(o.buffer.copyTo(output.data(), output.spanBytes()));
    }
    ATTN_TRY(rt::Comparison own, rt::compareOutput(output, reference));
    error = own.relError;
    if (!own.passes(allowed))
      return rt::failed(std::string(kWrong) + rt::toText(own));
    if (!what.description.lse)
      return rt::success();
    ATTN_CHECK(lse.buffer.copyTo(lseOutput.data(), lseOutput.spanBytes()));
    ATTN_TRY(own, rt::compareLse(lseOutput, reference));
    return own.passes(allowed)
               ? rt::success()
               : rt::failed(std::string(kWrong) + "lse: " + rt::toText(own));
  }

  const bench::Options &options;
  const bench::Case &what;
  const double share;
  tune::Pace pace;
  rt::Device device;
  bench::CaseTensors tensors;
  rt::HostTensor output, lseOutput;
  bench::DeviceTensor q, k, v, o, lse;
  rt::AttentionArguments call;
  rt::Stream stream;
  rt::Event begin, end;
  rt::Buffer flush;
  rt::ReferenceResult reference;
  double allowed = 0; ///< relative error
  std::map<int64_t, std::unique_ptr<Loaded>> kernels;
};
} // namespace

int tuning::work(const Options &options) {
  // A tuner that was killed leaves nobody behind, not even one that hangs.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Worker worker(options.attention, options.what, options.share);
  if (auto ready = worker.setUp(); !ready) {
    say({{"error", ready.error().text}});
    return ready.error().exitCode();
  }
  worker.answer({{"ready", worker.info().selector()}});
  std::string line;
  while (std::getline(std::cin, line)) {
    const Json request = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!request.is_object())
      return 2;
    if (request.contains("load")) {
      const Json answer = worker.load(request);
      worker.answer(answer);
      if (answer.contains("ends"))
        return 1;
    }
    if (!request.contains("time"))
      continue;
    for (const Json &number : request["time"]) {
      auto sample = worker.sample(number.get<int64_t>());
      if (sample) {
        worker.answer(std::move(*sample));
        continue;
      }
      say(Worker::failure(sample.error(), 0));
      return 1;
    }
  }
  return 0;
}
