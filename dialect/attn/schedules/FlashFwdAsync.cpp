// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// flash_fwd_async.v1: every unit copies and multiplies, and copies go on beside
// the products and the softmax. The order of events is FlashAttention-2's (Dao,
// 2023); the default tiles of 16 bits are those measured in
// docs/perf/ampere-forward.md, those of f32 are reckoned.
#include "dialect/attn/schedules/WarpRegisters.h"
#include "llvm/Support/MathExtras.h"

using namespace attn_jit;
using llvm::Error;

static constexpr int64_t kBm[] = {16, 32, 48, 64, 96, 128, 192, 256};
static constexpr int64_t kBn[] = {16, 32, 48, 64, 80, 96, 112, 128};
static constexpr int64_t kUnits[] = {1, 2, 3, 4, 6, 8, 12, 16};
static constexpr int64_t kStages[] = {1, 2, 3, 4};
static constexpr int64_t kSwitch[] = {0, 1};
static constexpr llvm::StringLiteral kPath[] = {"registers", "shared"};
static constexpr llvm::StringLiteral kOrder[] = {"forward", "reverse"};

static constexpr ScheduleField kFields[] = {
    {"bm", "query rows of a workgroup, shared evenly by its units", kBm, {}},
    {"bn", "keys of one step", kBn, {}},
    {"units", "units of a workgroup", kUnits, {}},
    {"stages", "tiles that the rings of keys and of values hold", kStages, {}},
    {"query", "where the first product reads the query from", kSwitch, kPath},
    {"order", "a head's query tiles: first to last, or last to first", kSwitch,
     kOrder},
};

/// Tiles, and 16 bytes of barriers for each stage.
static int64_t sharedBytes(const ProblemShape &problem,
                           const TargetInfo &target, int64_t bm, int64_t bn,
                           int64_t stages, bool sharedQuery) {
  auto rowBytes = [&](int64_t cols) {
    return target.storedBytes(llvm::alignTo(cols, target.productDepth) *
                              problem.elementBytes);
  };
  int64_t query = rowBytes(problem.headDim), value = rowBytes(problem.valueDim);
  int64_t tiles =
      (sharedQuery ? bm * query : 0) + stages * bn * (query + value);
  return tiles + 16 * (sharedQuery + 2 * stages);
}

static llvm::SmallVector<int64_t> complete(const ProblemShape &problem,
                                           const TargetInfo &target,
                                           const NamedFields &named) {
  // Measured for 16 bits (docs/perf/ampere-forward.md). Two tiles of rows a
  // unit share what is read of keys and values, as long as the output leaves
  // room for it.
  int64_t widest = std::max(problem.headDim, problem.valueDim);
  // Operands of f32 are twice as wide. Split ones take six products a pair of
  // blocks: reckoned to be long enough to hide a read for one tile of rows.
  bool single = problem.elementBytes == 4, split = single && !problem.tf32;
  bool wideOutput = problem.valueDim > (single ? 64 : 128);
  int64_t rows = target.unitRows * (wideOutput || split ? 1 : 2);
  bool shared = named.get("query", 1);
  // A processor's shared memory is 1 KiB more than a workgroup may take, and
  // each workgroup costs 1 KiB of the system's.
  auto fits = [&](int64_t workgroups, int64_t bm, int64_t bn, int64_t stages) {
    constexpr int64_t kSystem = 1024;
    int64_t bytes = sharedBytes(problem, target, bm, bn, stages, shared);
    return workgroups * (bytes + kSystem) <= target.sharedBytes + kSystem;
  };
  // Eight units, in two workgroups or in one, hide each other's waits.
  int64_t wanted = widest <= 32   ? 64
                   : widest <= 64 ? 96
                   : widest <= 96 ? 80
                                  : 64;
  if (single)
    wanted = widest <= 64 ? 64 : 32;
  int64_t least = std::min<int64_t>(wanted, 32);
  bool twice = fits(2, 4 * rows, least, 1);
  int64_t most = twice || (split && widest > 128) ? 4 : 8;
  while (most > 1 && !fits(1, most * rows, 16, 1))
    most /= 2;
  int64_t units = named.get(
      "units", std::max<int64_t>(named.get("bm", rows * most) / rows, 1));
  // The largest of a workgroup that its units share evenly.
  int64_t bm = units * target.unitRows;
  for (int64_t each : kBm)
    if (each <= rows * units && each % (units * target.unitRows) == 0)
      bm = each;
  bm = named.get("bm", bm);
  int64_t stages = named.get("stages", 1), bn = wanted;
  while (bn > 16 && !fits(1 + twice, bm, bn, stages))
    bn -= 16;
  while (bn > 16 &&
         warpRegisters(problem, target, units, bm / units, bn, stages, shared) >
             target.entryRegisters(units))
    bn -= 16;
  bn = named.get("bn", bn);
  if (fits(1 + twice, bm, bn, 2) &&
      warpRegisters(problem, target, units, bm / units, bn, 2, shared) <=
          target.entryRegisters(units))
    stages = named.get("stages", 2);
  return {bm, bn, units, stages, shared, named.get("order", problem.masked)};
}

static Error verify(const Schedule &schedule, const ProblemShape &problem,
                    const TargetInfo &target) {
  llvm::StringRef family = schedule.getFamily().name;
  if (!target.has(Capability::ThreadCopy))
    return inputError("schedule: {0} given, {1} has no copies beside threads",
                      family, target.title());
  bool shared = schedule.get("query"), aligned = problem.alignment >= 16;
  // Columns that pad a tile are zeros where a copy of no bytes writes them.
  int64_t step = shared && aligned ? 8 : target.productDepth;
  for (auto [name, dim] : {std::pair{"head_dim", problem.headDim},
                           {"value_dim", problem.valueDim}})
    if (dim < step || dim > 256 || dim % step)
      return inputError("{0}: {1} given, allowed on {2} with {3}: multiples of "
                        "{4} up to 256",
                        name, dim, target.title(), schedule.str(), step);
  bool single = problem.elementBytes == 4;
  bool singleToo = target.has(Capability::Tf32Product);
  if (problem.elementBytes != 2 && !(single && singleToo))
    return inputError("dtype: {0} given, allowed on {1} with {2}: {3}f16, bf16",
                      single ? "f32" : "an 8-bit type", target.title(), family,
                      singleToo ? "f32, " : "");
  if (single && !shared)
    return inputError("schedule field 'query': registers given, {0} multiplies "
                      "f32 from: shared",
                      target.title());
  int64_t bm = schedule.get("bm"), bn = schedule.get("bn"),
          units = schedule.get("units"), stages = schedule.get("stages");
  if (units > target.maxUnits)
    return inputError("schedule field 'units': {0} given, {1} holds {2}", units,
                      target.title(), target.maxUnits);
  if (bm % (units * target.unitRows))
    return inputError("schedule field 'bm': {0} given for {1} units, {2} "
                      "multiplies a multiple of {3} rows a unit",
                      bm, units, target.title(), target.unitRows);
  int64_t bytes = sharedBytes(problem, target, bm, bn, stages, shared);
  if (bytes > target.sharedBytes)
    return inputError("shared memory: {0} needs {1} bytes, {2} has {3}: {4} "
                      "too many",
                      schedule.str(), bytes, target.title(), target.sharedBytes,
                      bytes - target.sharedBytes);
  return warpRegistersError(schedule, problem, target, units, bm / units, bn,
                            stages, shared);
}

const ScheduleFamily attn_jit::kFlashFwdAsync = {
    "flash_fwd_async.v1", "all units multiply beside their own copies", kFields,
    complete, verify};
