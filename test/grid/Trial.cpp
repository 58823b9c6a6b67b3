// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "test/grid/Trial.h"
#include "runtime/check/Compare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

using namespace attn_jit;
using namespace attn_jit::grid;
using bench::DeviceTensor;

namespace {
/// Some score regions make scores of hundreds out of normal data: in f32 these
/// have the limit of the adversarial kinds.
rt::Result<double> limitOf(rt::DType type, const Call &call,
                           const Regions &regions, bool tf32) {
  const bool score = !regions.score.empty() || !regions.scoreFile.empty();
  const std::optional<double> limit = rt::tolerance(
      type,
      score && type == rt::DType::F32 ? rt::InputKind::MaxStair : call.inputs,
      tf32);
  if (!limit)
    return rt::failed("no tolerance is known for this type");
  return *limit;
}

bool isUnwritten(const rt::HostTensor &tensor) {
  for (int64_t b = 0; b < tensor.dim(0); ++b)
    for (int64_t h = 0; h < tensor.dim(1); ++h)
      for (int64_t i = 0; i < tensor.dim(2) * tensor.dim(3); ++i)
        if (!std::isnan(tensor.load(
                tensor.at(b, h, i / tensor.dim(3), i % tensor.dim(3)))))
          return false;
  return true;
}

/// More than any kernel asks for.
constexpr int64_t kWorkspaceBytes = 64;
} // namespace

rt::Result<Trial> Trial::make(const rt::Device &device, const Group &group,
                              const Call &call) {
  Trial trial;
  trial.group = &group;
  trial.call = call;
  const api::Description &what = group.description;
  const rt::DType type = bench::hostType(what.element);
  const std::vector<unsigned> order = bench::memoryOrder(what.layout);
  auto guarded = [&](int64_t heads, int64_t rows,
                     int64_t dim) -> rt::Result<rt::HostTensor> {
    ATTN_TRY(
        rt::HostTensor tensor,
        rt::HostTensor::zeros(type, {call.batch, heads, rows + 1, dim}, order));
    rt::markUnwritten(tensor);
    return tensor;
  };
  ATTN_TRY(const rt::HostTensor queryRows,
           guarded(call.queryHeads, call.queryLen, what.headDim));
  ATTN_TRY(const rt::HostTensor keyRows,
           guarded(call.kvHeads, call.kvLen, what.headDim));
  ATTN_TRY(const rt::HostTensor valueRows,
           guarded(call.kvHeads, call.kvLen, what.valueDim));
  ATTN_TRY(trial.outRows,
           guarded(call.queryHeads, call.queryLen, what.valueDim));
  ATTN_TRY(trial.lse,
           rt::HostTensor::zeros(rt::DType::F32,
                                 {call.batch, call.queryHeads, call.queryLen}));
  rt::markUnwritten(trial.lse);
  // A poison repeats every 4 bytes: a device writes it faster than the host.
  std::memcpy(&trial.outPoison, trial.outRows.data(), sizeof outPoison);
  std::memcpy(&trial.lsePoison, trial.lse.data(), sizeof lsePoison);
  rt::AttentionProblem &problem = trial.problem;
  problem.query = queryRows.slice(2, 0, call.queryLen);
  problem.key = keyRows.slice(2, 0, call.kvLen);
  problem.value = valueRows.slice(2, 0, call.kvLen);
  rt::InputOptions inputs;
  inputs.kind = call.inputs;
  ATTN_CHECK(rt::fillInputs(problem.query, problem.key, problem.value, inputs));
  problem.scale = 1 / std::sqrt(double(what.headDim));
  problem.causal = what.causal;
  problem.causalAlign = bench::referenceAlign(what.align);
  problem.softcap = what.softcap;
  if (group.regions.describe)
    group.regions.describe(problem);

  ATTN_TRY(trial.stream, device.createStream());
  ATTN_TRY(trial.q, DeviceTensor::upload(device, queryRows));
  ATTN_TRY(trial.k, DeviceTensor::upload(device, keyRows));
  ATTN_TRY(trial.v, DeviceTensor::upload(device, valueRows));
  ATTN_TRY(trial.o, DeviceTensor::upload(device, trial.outRows));
  ATTN_TRY(trial.l, DeviceTensor::upload(device, trial.lse));
  ATTN_TRY(trial.workspace, device.allocate(kWorkspaceBytes));
  ATTN_CHECK(trial.workspace.fill(0));
  rt::AttentionArguments &arguments = trial.arguments;
  arguments.workspace = trial.workspace.address();
  arguments.workspaceBytes = kWorkspaceBytes;
  arguments.batch = call.batch;
  arguments.qHeads = call.queryHeads, arguments.kvHeads = call.kvHeads;
  arguments.qLen = call.queryLen, arguments.kvLen = call.kvLen;
  arguments.scale = problem.scale;
  arguments.q = trial.q.argument, arguments.k = trial.k.argument;
  arguments.v = trial.v.argument, arguments.o = trial.o.argument;
  if (what.lse)
    arguments.lse = trial.l.argument;
  return trial;
}

rt::Status Trial::launch(const api::Kernel &kernel, int32_t delaySeed) {
  ATTN_CHECK(o.buffer.fill(outPoison, stream));
  ATTN_CHECK(l.buffer.fill(lsePoison, stream));
  std::vector<rt::CapturedScalar> captured = group->regions.captured;
  captured.push_back({"delay_seed", double(delaySeed)});
  arguments.captured = captured;
  rt::Status launched = kernel.launch(arguments, stream);
  arguments.captured = {};
  ATTN_CHECK(std::move(launched));
  ATTN_CHECK(stream.synchronize());
  std::array<std::byte, kWorkspaceBytes> left;
  ATTN_CHECK(workspace.copyTo(left.data(), left.size()));
  if (std::any_of(left.begin(), left.end(),
                  [](std::byte each) { return each != std::byte(0); }))
    return rt::failed("workspace: not left zero by the launch");
  ATTN_CHECK(o.buffer.copyTo(outRows.data(), outRows.spanBytes()));
  return l.buffer.copyTo(lse.data(), lse.spanBytes());
}

rt::Result<std::string> Trial::judge() {
  const api::Description &what = group->description;
  if (!isUnwritten(outRows.slice(2, call.queryLen, 1)))
    return std::string("rows beyond q_len were written");
  ATTN_TRY(rt::ReferenceResult reference,
           rt::referenceForward(problem, rt::rowsWithin(problem, 1e8)));
  ATTN_TRY(rt::Comparison compared,
           rt::compareOutput(outRows.slice(2, 0, call.queryLen), reference));
  const bool tf32 = what.precision == api::Precision::TF32;
  ATTN_TRY(const double limit,
           limitOf(bench::hostType(what.element), call, group->regions, tf32));
  if (!compared.passes(limit))
    return rt::toText(compared);
  if (!what.lse)
    return std::string();
  ATTN_TRY(rt::Comparison sums, rt::compareLse(lse, reference));
  const double most = tf32 ? limit : 1e-4;
  if (sums.unwritten || sums.nonFinite ||
      !(sums.relError <= most || sums.maxAbsError <= most))
    return "lse: " + rt::toText(sums);
  return std::string();
}

rt::Result<std::string> Trial::race(const api::Kernel &kernel, Seeds seeds) {
  const std::vector<std::string> &captured =
      kernel.prepared().manifest().capturedNames;
  if (std::find(captured.begin(), captured.end(), "delay_seed") ==
      captured.end())
    return rt::badInput("module: a kernel without delays given, allowed: one "
                        "that tile-insert-delays has been run on");
  ATTN_CHECK(launch(kernel));
  ATTN_TRY(std::string fault, judge());
  if (!fault.empty())
    return fault;
  auto bytesOf = [](const rt::HostTensor &tensor) {
    auto *first = reinterpret_cast<const std::byte *>(tensor.data());
    return std::vector<std::byte>(first, first + tensor.spanBytes());
  };
  const std::vector<std::byte> out = bytesOf(outRows), sums = bytesOf(lse);
  for (int64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    ATTN_CHECK(launch(kernel, int32_t(seed)));
    if (std::memcmp(out.data(), outRows.data(), out.size()) ||
        std::memcmp(sums.data(), lse.data(), sums.size()))
      return "other bits with delay_seed " + std::to_string(seed);
  }
  return std::string();
}
