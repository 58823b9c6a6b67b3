// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How much of a launch each workgroup does: its tiles, and the steps of keys
// that these take. Under a causal mask tiles differ in length, so who takes
// which decides how long the busiest is at work (codegen/schedule/TileOrder.h).
#ifndef ATTN_JIT_AUTOTUNE_MODELWALK_H
#define ATTN_JIT_AUTOTUNE_MODELWALK_H

#include <cstdint>
#include <vector>

namespace attn_jit {

struct ModelWalk {
  /// Tiles of a head, as the `order` field has them.
  enum Order : int64_t { Forward, Reverse, Paired };
  /// Who takes a tile: the next workgroup that is free (grids of one tile each,
  /// and drawn ones), or each in its turn.
  enum Deal : int64_t { NextFree, InTurns };

  int64_t queryLen = 1, kvLen = 1;
  int64_t tileRows = 1; ///< positions of a head in a tile (or a cluster's)
  int64_t stepKeys = 1;
  int64_t heads = 1;      ///< of all sequences, packed ones counted as one
  int64_t workgroups = 1; ///< that run at once, or clusters of them
  bool causal = false;    ///< aligned at the last query and the last key
  Order order = Forward;
  Deal deal = NextFree;
  int64_t section = 1; ///< heads whose tiles of one number stand together

  int64_t tilesOfHead() const { return (queryLen + tileRows - 1) / tileRows; }
};

/// Of one workgroup in one launch. Fractions come from heads that were not gone
/// through one by one.
struct WorkgroupLoad {
  double tiles = 0, steps = 0, maskedSteps = 0;
  auto operator<=>(const WorkgroupLoad &) const = default;
};

struct WalkLoads {
  std::vector<WorkgroupLoad> workgroups; ///< those that differ, each once
  double steps = 0;                      ///< of all tiles
  int64_t busy = 1;                      ///< workgroups that have a tile
};

/// Exact up to about two thousand tiles; beyond, the first heads' tiles are
/// dealt, and the others add their mean, since what makes workgroups unequal is
/// how a round ends.
WalkLoads loadsOf(const ModelWalk &walk);

} // namespace attn_jit

#endif
