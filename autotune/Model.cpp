// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a step to a launch: who does how many steps, and what the L2, the memory
// and the launch itself add. Constants of the file are of the fit of
// docs/perf/model.md unless they say otherwise.
#include "autotune/Model.h"
#include "autotune/ModelParts.h"
#include "runtime/Runtime.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace attn_jit;

/// Microseconds of a launch of nothing, in a graph of launches.
static constexpr double kLaunchUs = 1.57;
/// Lines of 128 bytes that the L2 gives a processor in a cycle.
static constexpr double kL2LinesPerCycle = 0.69;
static constexpr int64_t kLineBytes = 128, kSectorBytes = 32;
/// What rows take that do not begin with a sector: each line of them for so
/// many.
static constexpr double kSplitSectors = 2.4;
/// Of a launch: bandwidth is shared by all processors and seldom asked for
/// evenly, so it hides less of itself than the terms of a step do. Chosen
/// beside the fit, from 1.5, 2 and 6.
static constexpr double kLaunchOverlap = 2;

/// H100 and A100 white papers, appendix A; NVIDIA Ada white paper, table 2;
/// CDNA 3 and RDNA 3 ISA guides (a quarter of the lanes for exp2). A host's are
/// those of two units of AVX-512 and a polynomial.
static constexpr ProcessorRates kRates[] = {
    {"sm_90a", 4096, 16, 128, 4}, {"sm_80", 2048, 16, 128, 4},
    {"sm_86", 1024, 16, 128, 4},  {"sm_89", 1024, 16, 128, 4},
    {"gfx942", 2048, 16, 128, 4}, {"gfx1100", 512, 16, 128, 4},
    {"", 64, 2, 64, 1},
};

const ProcessorRates &attn_jit::ratesOf(const TargetInfo &target) {
  for (const ProcessorRates &rates : kRates)
    if (rates.target == target.name || rates.target.empty())
      return rates;
  llvm_unreachable("the last row is every other target's");
}

DeviceNumbers DeviceNumbers::of(const rt::DeviceInfo &device) {
  DeviceNumbers made;
  if (device.computeUnits > 0)
    made.computeUnits = device.computeUnits;
  if (device.clockMHz > 0)
    made.clockGHz = 1e-3 * double(device.clockMHz);
  if (device.peakGBs)
    made.memoryGBs = *device.peakGBs;
  return made;
}

/// Lines that a row touches, in boxes of at most a line, where rows of other
/// heads stand before it: its mean over the places where it may begin.
static double linesOf(int64_t bytes) {
  const int64_t step = std::gcd(bytes, kLineBytes);
  int64_t lines = 0;
  for (int64_t begin = 0; begin < kLineBytes; begin += step)
    for (int64_t at = begin; at < begin + bytes; at += kLineBytes) {
      const int64_t end = std::min(at + kLineBytes, begin + bytes);
      lines += (end - 1) / kLineBytes - at / kLineBytes + 1;
    }
  const double mean = double(lines * step) / kLineBytes;
  return bytes % kSectorBytes ? mean * kSplitSectors : mean;
}

TimeModel::TimeModel(const ProblemShape &problem, const CallSizes &call,
                     const TargetInfo &target, const DeviceNumbers &device)
    : problem(problem), call(call),
      target(target.unitsFor(problem.elementBytes)), device(device) {
  const int64_t element = problem.elementBytes;
  auto whole = [&](int64_t dim) {
    return llvm::alignTo(dim, this->target.productDepth);
  };
  depth = double(whole(problem.headDim));
  columns = double(whole(problem.valueDim));
  rowLines =
      linesOf(problem.headDim * element) + linesOf(problem.valueDim * element);
  rowBytes =
      double(this->target.storedBytes(whole(problem.headDim) * element) +
             this->target.storedBytes(whole(problem.valueDim) * element));
}

TimeTerms TimeModel::terms(const Schedule &schedule) {
  return &schedule.getFamily() == &kFlashFwdWs ? warpgroups(schedule)
                                               : units(schedule);
}

const WalkLoads &TimeModel::walked(const ModelWalk &walk, int64_t packed) {
  // What a schedule decides of it: the other numbers are the call's.
  uint64_t key = 0;
  for (auto [value, bits] : {std::pair{walk.tileRows, 10},
                             {walk.stepKeys, 10},
                             {walk.section, 6},
                             {packed, 4},
                             {int64_t(walk.order), 2},
                             {int64_t(walk.deal), 1},
                             {walk.workgroups, 24}})
    key = key << bits | uint64_t(value);
  auto [at, fresh] = walks.try_emplace(key);
  if (fresh)
    at->second = loadsOf(walk);
  return at->second;
}

void TimeModel::launch(TimeTerms &terms, const Tiles &tiles) {
  ModelWalk walk;
  walk.queryLen = call.qLen, walk.kvLen = call.kvLen;
  walk.tileRows = std::max<int64_t>(tiles.rows / tiles.packed, 1);
  walk.stepKeys = tiles.stepKeys;
  walk.heads = call.batch * llvm::divideCeil(call.qHeads, tiles.packed);
  walk.workgroups = std::max<int64_t>(tiles.workgroups, 1);
  walk.causal = call.causal;
  walk.order = tiles.order, walk.deal = tiles.deal;
  walk.section = tiles.section;
  const WalkLoads &loads = walked(walk, tiles.packed);

  double most = 0;
  for (const WorkgroupLoad &load : loads.workgroups) {
    const double cycles = load.tiles * terms.tileCycles +
                          load.steps * terms.stepCycles +
                          load.maskedSteps * tiles.maskedCycles;
    if (cycles > most)
      most = cycles, terms.busiestTiles = load.tiles,
      terms.busiestSteps = load.steps;
  }
  terms.balance = loads.steps / (terms.busiestSteps * double(walk.workgroups));

  const double cyclesPerUs = 1e3 * device.clockGHz;
  terms.workUs = (most + terms.startCycles) / cyclesPerUs;
  const double keys = loads.steps * double(tiles.stepKeys);
  terms.l2Us = keys * rowLines /
               (kL2LinesPerCycle * double(device.computeUnits) * cyclesPerUs);
  const double rowsOfQuery = double(call.batch * call.qHeads * call.qLen);
  const double rowsOfKeys = double(call.batch * call.kvHeads * call.kvLen);
  terms.memoryUs = (rowsOfQuery + rowsOfKeys) * (depth + columns) *
                   double(problem.elementBytes) / (1e3 * device.memoryGBs);
  terms.launchUs += kLaunchUs;
  terms.us = terms.launchUs +
             together(kLaunchOverlap, terms.workUs, terms.l2Us, terms.memoryUs);
}

llvm::StringRef TimeTerms::bound() const {
  if (memoryUs > std::max(l2Us, workUs))
    return "memory";
  if (l2Us > workUs)
    return "l2";
  const double most =
      std::max({tensorCycles, specialCycles, sharedCycles, chainCycles});
  return most == tensorCycles    ? "tensor"
         : most == specialCycles ? "special"
         : most == sharedCycles  ? "shared"
                                 : "chain";
}

double attn_jit::predictMicroseconds(const Schedule &schedule,
                                     const ProblemShape &problem,
                                     const CallSizes &call,
                                     const TargetInfo &target,
                                     const DeviceNumbers &device) {
  return TimeModel(problem, call, target, device).microseconds(schedule);
}
