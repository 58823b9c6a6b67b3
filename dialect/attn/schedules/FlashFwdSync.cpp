// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// flash_fwd_sync.v1: every unit copies, multiplies and stores in step. It needs
// no capability, so it is what every target can run, and the load path for
// tensors that a copy engine cannot address.
#include "dialect/attn/schedules/WarpRegisters.h"
#include "llvm/Support/MathExtras.h"

using namespace attn_jit;
using llvm::Error;

static constexpr int64_t kBm[] = {16, 32, 48, 64, 96, 128, 192, 256};
static constexpr int64_t kUnits[] = {1, 2, 3, 4, 8};
static constexpr int64_t kSwitch[] = {0, 1};
static constexpr llvm::StringLiteral kPath[] = {"registers", "shared"};
static constexpr int64_t kBn[] = {16, 32, 48, 64, 96, 128, 192, 256, 512};

static constexpr ScheduleField kFields[] = {
    {"bm", "query rows of a workgroup, shared evenly by its units", kBm, {}},
    {"bn", "keys of one step", kBn, {}},
    {"units", "units of a workgroup", kUnits, {}},
    {"query", "where the first product reads the query from", kSwitch, kPath},
};

using Fields = llvm::SmallVector<int64_t>;

static Fields best(const ProblemShape &problem, const TargetInfo &target) {
  int64_t widest = std::max(problem.headDim, problem.valueDim);
  if (target.has(Capability::WideFragments))
    return {128, widest > 128 ? 64 : 128, 1};
  if (target.has(Capability::AsyncMatrixProduct))
    return {widest > 128 ? 64 : 128, widest > 192 ? 32 : 64,
            widest > 128 ? 1 : 2};
  if (target.has(Capability::ThreadCopy) && problem.elementBytes == 4)
    return {64, widest <= 64 ? 64 : widest <= 128 ? 32 : 16, 4};
  if (target.has(Capability::ThreadCopy))
    return {widest > 128 ? 64 : 128, 64, 4};
  // Where lanes hold parts of an operand, 32 rows fit a unit: every operand
  // read from shared memory then feeds two products.
  if (target.has(Capability::SpreadOperands)) {
    if (widest <= 64)
      return {128, 64, 4};
    return widest <= 128 ? Fields{256, 64, 8} : Fields{128, 32, 8};
  }
  if (widest <= 64)
    return {128, 64, 8};
  return widest <= 128 ? Fields{128, 32, 8} : Fields{64, 16, 4};
}

/// As many units as have `rows` each, or whole multiples of them where no
/// workgroup has so many.
static int64_t unitsFor(int64_t bm, int64_t rows) {
  int64_t units = std::max<int64_t>(bm / rows, 1);
  while (units > 1 &&
         (!llvm::is_contained(kUnits, units) || bm % (units * rows)))
    --units;
  return units;
}

static Fields complete(const ProblemShape &problem, const TargetInfo &target,
                       const NamedFields &named) {
  Fields fields = best(problem, target);
  // A unit keeps its rows: the other of bm and units follows the named one.
  int64_t rows = fields[0] / fields[2];
  int64_t units =
      named.get("units", unitsFor(named.get("bm", fields[0]), rows));
  // A wide query and a wide output do not fit in registers together.
  bool shared = target.has(Capability::SharedLhs) &&
                (target.has(Capability::ThreadCopy) ||
                 std::max(problem.headDim, problem.valueDim) > 128);
  return {named.get("bm", rows * units), named.get("bn", fields[1]),
          std::max<int64_t>(units, 1), named.get("query", shared)};
}

/// Registers of one thread where products read the right operand from shared
/// memory: scores, probabilities, output, query and addresses, of which each
/// panel of columns has its own. Fitted as flash_fwd_ws.v1's.
static int64_t registersBesideShared(const Schedule &schedule,
                                     const ProblemShape &problem,
                                     const TargetInfo &target) {
  int64_t d = problem.headDim, dv = problem.valueDim, bn = schedule.get("bn");
  int64_t rows = schedule.get("bm") / schedule.get("units");
  int64_t query = schedule.get("query") ? 0 : d;
  return rows * (2 * bn + bn + 2 * dv + query) / 2 / target.unitThreads + 28 +
         std::max(d, dv) / 4 + (problem.masked ? 8 : 0) +
         (llvm::isPowerOf2_64(std::max(d, dv)) ? 0 : 12);
}

/// Registers of one thread where both operands pass through registers: query,
/// output, scores with what is made of them, the keys and values that the
/// thread copies, operands in flight. Fitted to LLVM 22 from above, so that
/// none of test/codegen/amdgpu/corners.test spills.
static int64_t registersWithOperands(const Schedule &schedule,
                                     const ProblemShape &problem,
                                     const TargetInfo &target) {
  int64_t d = problem.headDim, dv = problem.valueDim, bn = schedule.get("bn");
  int64_t units = schedule.get("units"), rows = schedule.get("bm") / units;
  int64_t threads = target.unitThreads;
  int64_t deal = 4; // columns that one read brings, codegen/amdgpu
  while (deal > 1 && (bn % (16 * deal) || d % (16 * deal) || dv % (16 * deal)))
    deal /= 2;
  int64_t output = rows * dv / threads, scores = rows * bn / threads;
  int64_t copied = bn * (d + dv) / (2 * units * threads);
  // Lanes 16 to 31 repeat the left operands of lanes 0 to 15.
  if (!target.has(Capability::SpreadOperands))
    return rows * d / threads + output + 15 * scores / 8 + 3 * copied / 4 +
           27 * deal + rows / 8 + 6;
  // Measured: a mask of 64 scores a lane or more takes 36 registers beyond
  // its 18.
  int64_t mask = !problem.masked ? 0 : scores < 64 ? 18 : 54;
  return rows * d / (2 * threads) + output + 7 * scores / 4 + copied +
         4 * deal + mask + 20;
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
      return inputError("{0}: {1} given, allowed on {2} with {3}: multiples of "
                        "{4} up to {5}",
                        name, dim, target.title(), schedule.getFamily().name,
                        step, most);
  bool ownSingle = target.has(Capability::SinglePrecisionProduct);
  bool single = ownSingle || target.has(Capability::Tf32Product);
  if (problem.elementBytes == 1 || (problem.elementBytes == 4 && !single))
    return inputError("dtype: {0} given, allowed on {1}: {2}f16, bf16",
                      problem.elementBytes == 4 ? "f32" : "an 8-bit type",
                      target.title(), single ? "f32, " : "");
  if (problem.tf32 && ownSingle)
    return inputError("precision: tf32 given, allowed on {0}: ieee",
                      target.title());
  if (units > target.maxUnits)
    return inputError("schedule field 'units': {0} given, {1} holds {2}", units,
                      target.title(), target.maxUnits);
  int64_t rows = bm / units;
  bool oneHeight = target.has(Capability::AsyncMatrixProduct);
  if (bm % units || rows % target.unitRows ||
      (oneHeight && rows != target.unitRows))
    return inputError("schedule field 'bm': {0} given for {1} units, {2} "
                      "multiplies {3} {4} rows a unit",
                      bm, units, target.title(),
                      oneHeight ? "exactly" : "a multiple of", target.unitRows);
  if (oneHeight && bn > 256)
    return inputError("schedule field 'bn': {0} given, {1} multiplies at most "
                      "256 columns at once",
                      bn, target.title());
  bool sharedQuery = schedule.get("query");
  if (!sharedQuery && problem.elementBytes == 4 && !ownSingle)
    return inputError("schedule field 'query': registers given, {0} multiplies "
                      "f32 from: shared",
                      target.title());
  if (sharedQuery && !target.has(Capability::SharedLhs))
    return inputError("schedule field 'query': shared given, {0} multiplies "
                      "from: registers",
                      target.title());
  int64_t element = wide ? 4 : problem.elementBytes;
  int64_t bytes = bn * (target.storedBytes(d * element) +
                        target.storedBytes(dv * element)) +
                  (sharedQuery ? bm * target.storedBytes(d * element) : 0);
  if (bytes > target.sharedBytes)
    return inputError("shared memory: {0} needs {1} bytes, {2} has {3}: {4} "
                      "too many",
                      schedule.str(), bytes, target.title(), target.sharedBytes,
                      bytes - target.sharedBytes);
  if (target.has(Capability::ThreadCopy))
    return warpRegistersError(schedule, problem, target, units, rows, bn,
                              /*stages=*/1, sharedQuery);
  if (!wide) {
    int64_t regs = target.has(Capability::AsyncMatrixProduct)
                       ? registersBesideShared(schedule, problem, target)
                       : registersWithOperands(schedule, problem, target);
    int64_t budget = target.entryRegisters(units);
    if (regs > budget)
      return inputError("registers: {0} needs about {1} a thread, {2} has {3}: "
                        "{4} too many",
                        schedule.str(), regs, target.title(), budget,
                        regs - budget);
  }
  return Error::success();
}

const ScheduleFamily attn_jit::kFlashFwdSync = {
    "flash_fwd_sync.v1", "all units load, multiply and store in step", kFields,
    complete, verify};
