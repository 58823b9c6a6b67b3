// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a call should take by one schedule, reckoned: it ranks the legal space
// so that few schedules need a measurement. flash_fwd_ws.v1 on Hopper is held
// to measurements (docs/perf/model.md, test/autotune/ModelTest.cpp); the other
// families and targets are rougher, and their times serve to compare schedules
// of one family on one device, no more.
#ifndef ATTN_JIT_AUTOTUNE_MODEL_H
#define ATTN_JIT_AUTOTUNE_MODEL_H

#include "autotune/ModelWalk.h"
#include "dialect/attn/Schedule.h"
#include "llvm/ADT/DenseMap.h"

namespace attn_jit {
namespace rt {
struct DeviceInfo;
}

/// One call. Heads are of one sequence, lengths of every sequence.
struct CallSizes {
  int64_t batch = 1, qHeads = 1, kvHeads = 1;
  int64_t qLen = 1, kvLen = 1;
  bool causal = false; ///< aligned at the last query and the last key
};

/// What of a device decides times. The shape of a processor is its target's.
struct DeviceNumbers {
  int64_t computeUnits = 132; ///< SMs, CUs, hardware threads
  double clockGHz = 1.98;     ///< the highest
  double memoryGBs = 4800;    ///< 1e9 bytes a second

  /// Of a device as a driver describes it; what it does not say stays.
  static DeviceNumbers of(const rt::DeviceInfo &device);
};

/// Where a predicted time comes from. Cycles are of one processor, for one step
/// of all workgroups that it holds; microseconds are of the launch.
struct TimeTerms {
  double tensorCycles = 0;  ///< products of all units of a processor
  double specialCycles = 0; ///< exp2, and what is issued beside it
  double sharedCycles = 0;  ///< shared memory: operands read, tiles written
  double chainCycles = 0;   ///< one unit's scores, softmax and output in a row
  double stepCycles = 0;    ///< what a step takes, of these together
  double tileCycles = 0;    ///< each tile beside its steps
  double startCycles = 0;   ///< until the first step, and behind the last

  double busiestTiles = 0, busiestSteps = 0; ///< of the busiest workgroup
  double balance = 1; ///< mean over busiest, of all processors: 1 is no loss

  double launchUs = 0; ///< the launch itself
  double workUs = 0;   ///< the busiest workgroup's cycles
  double l2Us = 0;     ///< all that processors ask the L2 for
  double memoryUs = 0; ///< tensors read or written once
  double us = 0;       ///< of these together

  /// "tensor", "special", "shared" or "chain" bounds the step; "l2" or "memory"
  /// where that bounds the launch.
  llvm::StringRef bound() const;
};

/// Of one problem, call and device. Not for two threads at once: walks are
/// remembered. Everything is deterministic.
class TimeModel {
public:
  TimeModel(const ProblemShape &problem, const CallSizes &call,
            const TargetInfo &target, const DeviceNumbers &device);

  /// The schedule is taken to be legal.
  TimeTerms terms(const Schedule &schedule);
  double microseconds(const Schedule &schedule) { return terms(schedule).us; }

private:
  struct Tiles;
  TimeTerms warpgroups(const Schedule &schedule);
  TimeTerms units(const Schedule &schedule);
  const WalkLoads &walked(const ModelWalk &walk, int64_t packed);
  void launch(TimeTerms &terms, const Tiles &tiles);

  ProblemShape problem;
  CallSizes call;
  const TargetInfo &target;
  DeviceNumbers device;
  double depth, columns; ///< head and value dims of whole products
  double rowLines;       ///< of the L2, for a row of keys and one of values
  double rowBytes;       ///< of shared memory, for both
  llvm::DenseMap<uint64_t, WalkLoads> walks;
};

double predictMicroseconds(const Schedule &schedule,
                           const ProblemShape &problem, const CallSizes &call,
                           const TargetInfo &target,
                           const DeviceNumbers &device);

} // namespace attn_jit

#endif
