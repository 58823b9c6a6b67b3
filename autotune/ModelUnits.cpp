// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// flash_fwd_async.v1 and flash_fwd_sync.v1: every unit multiplies, and copies
// its share. A processor holds several workgroups, which hide each other's
// waits. Calibrated by hand on the tables of docs/perf/ampere-forward.md, of
// sm_80's instructions on an H200: rougher than the warpgroups' (docs/perf/
// model.md has by how much), and reckoned alone for other targets.
#include "autotune/ModelParts.h"
#include "dialect/attn/schedules/WarpRegisters.h"

using namespace attn_jit;

/// Cycles of a wave's softmax of 16 rows, as the warpgroups' (ModelWarpgroups
/// .cpp): at all, with the waits for two products, and for each key.
static constexpr double kSoftmaxStart = 500, kSoftmaxPerKey = 8.28;
/// Of a processor's products of 16 rows a wave, the share of its peak that is
/// reached where nothing else bounds.
static constexpr double kProductShare = 0.8;
/// Cycles of issue for each row and column of the output, of a processor.
static constexpr double kIssuePerElement = 2.36 / 64;
/// Cycles of a masked step for each element, of a processor: the warpgroups'.
static constexpr double kMaskPerElement = 3.35 / 64;
/// Cycles from a copy's issue to its arrival, all of which a step without
/// copies ahead waits for.
static constexpr double kCopyLatency = 700;
/// Cycles of a tile's start and end, at all and for each of its rows.
static constexpr double kTileAlone = 1127, kTilePerRow = 14.7;
/// Shared memory that a resident workgroup takes beside its tiles (CUDA C++
/// Programming Guide), and threads of a processor.
static constexpr int64_t kSystemBytes = 1024, kThreads = 2048;

namespace {
/// The fields that both families have, and those of one.
struct UnitFields {
  UnitFields(const Schedule &schedule)
      : bm(schedule.get("bm")), bn(schedule.get("bn")),
        units(schedule.get("units")), sharedQuery(schedule.get("query")) {
    if (&schedule.getFamily() != &kFlashFwdAsync)
      return;
    ahead = true, stages = schedule.get("stages");
    reverse = schedule.get("order");
  }
  int64_t bm, bn, units, stages = 1;
  bool sharedQuery, ahead = false, reverse = false;
};
} // namespace

/// Workgroups that a processor holds at once, by registers, shared memory and
/// threads.
static int64_t residents(const UnitFields &fields, const ProblemShape &problem,
                         const TargetInfo &target, double tileBytes) {
  if (target.has(Capability::WideFragments))
    return 1;
  const int64_t rows = fields.bm / fields.units;
  int64_t registers =
      target.has(Capability::ThreadCopy)
          ? warpRegisters(problem, target, fields.units, rows, fields.bn,
                          fields.stages, fields.sharedQuery)
          : rows * (2 * fields.bn + problem.valueDim) / target.unitThreads + 64;
  registers = std::clamp<int64_t>((registers + 7) / 8 * 8, 32,
                                  target.registersPerThread + 1);
  const int64_t threads = fields.units * target.unitThreads;
  const int64_t most = std::min(
      {target.registersPerGroup / (registers * threads), kThreads / threads,
       int64_t(double(target.sharedBytes + kSystemBytes) /
               (tileBytes + double(kSystemBytes)))});
  return std::max<int64_t>(most, 1);
}

TimeTerms TimeModel::units(const Schedule &schedule) {
  const ProcessorRates &rates = ratesOf(target);
  const UnitFields fields(schedule);
  const double element = double(problem.elementBytes);
  const double bm = double(fields.bm), keys = double(fields.bn);
  const double units = double(fields.units), rows = bm / units;
  const double queryBytes =
      bm * double(target.storedBytes(int64_t(depth * element)));
  const double tileBytes = double(fields.stages) * keys * rowBytes +
                           (fields.sharedQuery ? queryBytes : 0);
  const int64_t held = residents(fields, problem, target, tileBytes);
  const double workgroups = double(held);

  // f32 on units of 16 bits: half the rate, and three products at full
  // precision.
  const bool single =
      problem.elementBytes == 4 && target.has(Capability::Tf32Product);
  const double products = !single ? 1 : problem.tf32 ? 2 : 6;
  const double share = target.has(Capability::AsyncMatrixProduct) ||
                               target.has(Capability::WideFragments)
                           ? 1
                           : kProductShare;
  const double tensor =
      products * 2 * bm * keys * (depth + columns) / (rates.flops * share);
  // Products of a unit alone fill as much of a processor as its waves do.
  const double waves =
      std::max(double(target.unitThreads) / double(target.waveThreads), 1.0);
  const double filled = std::min(waves / rates.quarters, 1.0);

  TimeTerms terms;
  terms.tensorCycles = workgroups * tensor;
  terms.specialCycles =
      workgroups * bm * (keys / rates.specials + kIssuePerElement * columns);
  // Every unit reads all keys and values, and its rows of the query.
  const double moved =
      (units + 1) * keys * rowBytes + (fields.sharedQuery ? queryBytes : 0);
  terms.sharedCycles = workgroups * moved / rates.sharedBytes;
  terms.chainCycles = tensor / units / filled + kSoftmaxStart +
                      kSoftmaxPerKey * keys * rows / (16 * waves);
  if (!fields.ahead) {
    terms.chainCycles += 2 * kCopyLatency;
  } else if (fields.stages == 1) {
    // Copies wait until every unit has left the only tile.
    terms.chainCycles += kCopyLatency / 2;
  }
  terms.stepCycles =
      together(kStepOverlap, terms.tensorCycles, terms.specialCycles,
               terms.sharedCycles, terms.chainCycles);
  terms.tileCycles = kTileAlone + kTilePerRow * bm + kCopyLatency;

  Tiles tiles;
  tiles.rows = fields.bm, tiles.stepKeys = fields.bn;
  tiles.workgroups = device.computeUnits * held;
  tiles.order = fields.reverse ? ModelWalk::Reverse : ModelWalk::Forward;
  tiles.maskedCycles = kMaskPerElement * workgroups * bm * keys;
  launch(terms, tiles);
  return terms;
}
