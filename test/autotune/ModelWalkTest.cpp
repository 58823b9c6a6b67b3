// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Who takes which tiles: every tile once, and the busiest as close to the mean
// as each walk is meant to come (codegen/schedule/TileOrder.h).
#include "autotune/ModelWalk.h"

#include <gtest/gtest.h>

using namespace attn_jit;

namespace {
ModelWalk causal(int64_t length, int64_t heads, ModelWalk::Order order,
                 ModelWalk::Deal deal) {
  ModelWalk walk;
  walk.queryLen = walk.kvLen = length;
  walk.tileRows = 128;
  walk.heads = heads, walk.workgroups = 132, walk.causal = true;
  walk.order = order, walk.deal = deal;
  return walk;
}

/// In steps of as many keys as a tile has rows.
WalkLoads loadsIn128(const ModelWalk &walk) {
  return loadsOf(walk, dealOf(walk), 128);
}

WorkgroupLoad sumOf(const WalkLoads &loads) {
  WorkgroupLoad sum;
  for (const WorkgroupLoad &load : loads.workgroups) {
    sum.tiles += load.tiles, sum.steps += load.steps;
    sum.maskedSteps += load.maskedSteps;
  }
  return sum;
}

double busiestToMean(const WalkLoads &loads) {
  double most = 0;
  for (const WorkgroupLoad &load : loads.workgroups)
    most = std::max(most, load.steps);
  return most / (loads.steps / double(loads.workgroups.size()));
}

TEST(ModelWalk, DealsEveryTileOnce) {
  for (int64_t length : {128, 1000, 1024, 4096, 16384})
    for (int64_t heads : {1, 3, 16, 64, 1000})
      for (auto [order, deal] :
           {std::pair{ModelWalk::Forward, ModelWalk::NextFree},
            {ModelWalk::Reverse, ModelWalk::NextFree},
            {ModelWalk::Forward, ModelWalk::InTurns},
            {ModelWalk::Reverse, ModelWalk::InTurns},
            {ModelWalk::Paired, ModelWalk::InTurns}})
        for (int64_t section : {1, 4}) {
          ModelWalk walk = causal(length, heads, order, deal);
          // Pairs have no sections.
          walk.section = order == ModelWalk::Paired ? 1 : section;
          const WalkLoads loads = loadsIn128(walk);
          const int64_t tiles = walk.tilesOfHead();
          const WorkgroupLoad sum = sumOf(loads);
          SCOPED_TRACE(std::to_string(length) + " keys, " +
                       std::to_string(heads) + " heads, order " +
                       std::to_string(order) + ", deal " +
                       std::to_string(deal) + ", section " +
                       std::to_string(walk.section));
          EXPECT_NEAR(sum.tiles, double(tiles * heads), 1e-6 * sum.tiles);
          EXPECT_NEAR(sum.steps, double(tiles * (tiles + 1) / 2 * heads),
                      1e-6 * sum.steps);
          EXPECT_NEAR(sum.steps, loads.steps, 1e-6 * sum.steps);
          // A step is as long as a tile is high: one of each is masked.
          EXPECT_NEAR(sum.maskedSteps, sum.tiles, 1e-6 * sum.tiles);
          EXPECT_EQ(int64_t(loads.workgroups.size()),
                    std::min<int64_t>(132, tiles * heads));
        }
}

TEST(ModelWalk, PairsAreEvenAndTurnsAreNot) {
  const auto inTurns = ModelWalk::InTurns;
  const double pairs =
      busiestToMean(loadsIn128(causal(4096, 64, ModelWalk::Paired, inTurns)));
  const double turns =
      busiestToMean(loadsIn128(causal(4096, 64, ModelWalk::Reverse, inTurns)));
  EXPECT_LT(pairs, 1.02);
  EXPECT_GT(turns, 1.1);
}

TEST(ModelWalk, TheNextFreeIsLateByOneTileAtMost) {
  for (int64_t heads : {4, 16, 64}) {
    const WalkLoads loads = loadsIn128(
        causal(4096, heads, ModelWalk::Reverse, ModelWalk::NextFree));
    double most = 0;
    for (const WorkgroupLoad &load : loads.workgroups)
      most = std::max(most, load.steps + load.tiles);
    // List scheduling (Graham, 1969): the mean and the longest tile.
    const WorkgroupLoad sum = sumOf(loads);
    EXPECT_LE(most, (sum.steps + sum.tiles) / 132 + 33);
  }
}

TEST(ModelWalk, ARoundBegunIsARoundWithoutAMask) {
  ModelWalk walk = causal(4096, 16, ModelWalk::Forward, ModelWalk::InTurns);
  walk.causal = false;
  // 512 tiles of 32 steps: 3.9 of each of 132 workgroups.
  const WalkLoads loads = loadsIn128(walk);
  ASSERT_EQ(loads.workgroups.size(), 1U);
  EXPECT_EQ(loads.workgroups[0].tiles, 4);
  EXPECT_EQ(loads.workgroups[0].steps, 4 * 32);
  EXPECT_EQ(loads.steps, 512 * 32);
}

TEST(ModelWalk, FewQueriesSeeTheKeysBeforeThem) {
  ModelWalk walk = causal(128, 1, ModelWalk::Forward, ModelWalk::NextFree);
  walk.kvLen = 1024;
  EXPECT_EQ(loadsIn128(walk).steps, 8);
  // More queries than keys: the first tile sees none, and still takes a step.
  walk.queryLen = 256, walk.kvLen = 128;
  EXPECT_EQ(loadsIn128(walk).steps, 2);
}
} // namespace
