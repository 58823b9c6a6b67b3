// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// flash_fwd_sync.v1: every unit copies, multiplies and stores in step. It needs
// no capability, so it is what every target can run, and the load path for
// tensors that a copy engine cannot address.
#include "dialect/attn/Schedule.h"

using namespace attn_jit;
using llvm::Error;

static constexpr int64_t kBm[] = {16, 32, 48, 64, 96, 128, 192, 256};
static constexpr int64_t kUnits[] = {1, 2, 3, 4, 8};
static constexpr int64_t kBn[] = {16, 32, 48, 64, 96, 128, 192, 256, 512};

static constexpr ScheduleField kFields[] = {
    {"bm", "query rows of a workgroup, shared evenly by its units", kBm, {}},
    {"bn", "keys of one step", kBn, {}},
    {"units", "units of a workgroup", kUnits, {}},
};

static llvm::SmallVector<int64_t> defaults(const ProblemShape &problem,
                                           const TargetInfo &target) {
  int64_t widest = std::max(problem.headDim, problem.valueDim);
  if (target.has(Capability::WideFragments))
    return {128, widest > 128 ? 64 : 128, 1};
  if (target.unitRows == 64)
    return {widest > 128 ? 64 : 128, 64, widest > 128 ? 1 : 2};
  return {64, widest > 128 ? 16 : 32, 4};
}

static Error verify(const Schedule &schedule, const ProblemShape &problem,
                    const TargetInfo &target) {
  int64_t bm = schedule.get("bm"), bn = schedule.get("bn"),
          units = schedule.get("units");
  int64_t d = problem.headDim, dv = problem.valueDim;
  bool wide = target.has(Capability::WideFragments);
  int64_t step = wide ? 8 : 16, most = wide ? 512 : 256;
  for (auto [name, dim] : {std::pair{"head_dim", d}, {"value_dim", dv}})
    if (dim < step || dim > most || dim % step)
      return inputError("{0}: {1} given, allowed on {2}: multiples of {3} up "
                        "to {4}",
                        name, dim, target.name, step, most);
  bool single = target.has(Capability::SinglePrecisionProduct);
  if (problem.elementBytes == 1 || (problem.elementBytes == 4 && !single))
    return inputError("dtype: {0} given, allowed on {1}: {2}f16, bf16",
                      problem.elementBytes == 4 ? "f32" : "an 8-bit type",
                      target.name, single ? "f32, " : "");
  if (units > target.maxUnits)
    return inputError("schedule field 'units': {0} given, {1} holds {2}", units,
                      target.name, target.maxUnits);
  int64_t rows = bm / units;
  bool oneHeight = target.has(Capability::AsyncMatrixProduct);
  if (bm % units || rows % target.unitRows ||
      (oneHeight && rows != target.unitRows))
    return inputError("schedule field 'bm': {0} given for {1} units, {2} "
                      "multiplies {3} {4} rows a unit",
                      bm, units, target.name,
                      oneHeight ? "exactly" : "a multiple of", target.unitRows);
  if (oneHeight && bn > 256)
    return inputError("schedule field 'bn': {0} given, {1} multiplies at most "
                      "256 columns at once",
                      bn, target.name);
  int64_t padding = target.unitRows == 64 ? 0 : 2 * target.sharedRowPadding;
  int64_t bytes = bn * ((d + dv) * (wide ? 4 : problem.elementBytes) + padding);
  if (bytes > target.sharedBytes)
    return inputError("shared memory: {0} needs {1} bytes, {2} has {3}: {4} "
                      "too many",
                      schedule.str(), bytes, target.name, target.sharedBytes,
                      bytes - target.sharedBytes);
  if (!wide) {
    // Scores, probabilities, output and query of one thread, and addresses.
    int64_t regs = rows * (2 * bn + bn + 2 * dv + d) / 2 / target.unitThreads;
    if (target.waveThreads == 32 && target.backend == Backend::AMDGPU)
      regs += rows * (bn + d) / 2 / target.unitThreads; // lanes repeat the lhs
    if (regs + 24 > target.registersPerThread)
      return inputError("registers: {0} needs about {1} a thread, {2} has {3}: "
                        "{4} too many",
                        schedule.str(), regs + 24, target.name,
                        target.registersPerThread,
                        regs + 24 - target.registersPerThread);
  }
  return Error::success();
}

const ScheduleFamily attn_jit::kFlashFwdSync = {
    "flash_fwd_sync.v1", "all units load, multiply and store in step", kFields,
    defaults, verify};
