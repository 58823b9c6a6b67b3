// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The walks of codegen/schedule/TileOrder.cpp, in numbers. ModelWalkTest.cpp
// holds that each deals every tile once.
#include "autotune/ModelWalk.h"

#include <algorithm>
#include <queue>

using namespace attn_jit;

/// Tiles that are dealt one by one. Of 132 workgroups 16 rounds: the rest of a
/// round is then 3 % of the whole at most.
static constexpr int64_t kDealt = 2112;
/// What a tile costs beside its keys where the next free workgroup takes it, in
/// keys: its ends (the terms have them in cycles; here they only say who is
/// free first).
static constexpr int64_t kEndsInKeys = 128;

static int64_t ceilDiv(int64_t x, int64_t y) { return (x + y - 1) / y; }

namespace {
/// Keys that a tile's last row sees, and those that its first row sees, and so
/// all of them.
struct SeenKeys {
  SeenKeys(const ModelWalk &walk, int64_t tile)
      : any(walk.kvLen), all(walk.kvLen) {
    if (!walk.causal)
      return;
    const int64_t before = walk.kvLen - walk.queryLen;
    const int64_t first = tile * walk.tileRows;
    const int64_t last = std::min(first + walk.tileRows, walk.queryLen);
    any = std::clamp<int64_t>(before + last, 0, walk.kvLen);
    all = std::clamp<int64_t>(before + first + 1, 0, any);
  }
  int64_t any, all;
};

class Dealer {
public:
  explicit Dealer(const ModelWalk &walk)
      : walk(walk), tiles(std::max<int64_t>(walk.tilesOfHead(), 1)) {
    deal.heads = std::min(walk.heads, ceilDiv(kDealt, tiles));
    deal.workgroups = std::min(walk.workgroups, tiles * walk.heads);
    turns = tiles * deal.heads;
  }

  TileDeal run() {
    if (!walk.causal)
      return deal;
    deal.turns.reserve(size_t(turns));
    if (walk.deal == ModelWalk::NextFree)
      toNextFree();
    else if (walk.order == ModelWalk::Paired)
      inPairs();
    else
      for (int64_t turn = 0; turn < turns; ++turn)
        give(turn % deal.workgroups, tileOf(turn));
    return std::move(deal);
  }

private:
  void give(int64_t workgroup, int64_t tile) {
    deal.turns.push_back({uint32_t(workgroup), uint32_t(tile)});
  }

  /// Of the number of a turn: section of heads after section.
  int64_t tileOf(int64_t turn) const {
    int64_t number = turn % tiles;
    if (walk.section > 1) {
      const int64_t whole = walk.section * tiles;
      const int64_t first = turn / whole * walk.section;
      number = turn % whole / std::min(walk.section, deal.heads - first);
    }
    return walk.order == ModelWalk::Forward ? number : tiles - 1 - number;
  }

  void toNextFree() {
    using Free = std::pair<int64_t, int64_t>; // when, and who
    std::vector<Free> none;
    for (int64_t workgroup = 0; workgroup < deal.workgroups; ++workgroup)
      none.emplace_back(0, workgroup);
    std::priority_queue queue(std::greater<>(), std::move(none));
    for (int64_t turn = 0; turn < turns; ++turn) {
      const auto [time, who] = queue.top();
      const int64_t tile = tileOf(turn);
      give(who, tile);
      queue.pop();
      queue.emplace(time + SeenKeys(walk, tile).any + kEndsInKeys, who);
    }
  }

  /// Of the first heads a turn is a pair of tiles; the last heads go tile by
  /// tile, every second round from the other end; the shortest of an odd number
  /// of tiles come at the end.
  void inPairs() {
    const int64_t workgroups = deal.workgroups;
    const int64_t pairs = tiles / 2, odd = tiles % 2;
    const int64_t round = ceilDiv(workgroups, std::max<int64_t>(pairs, 1));
    const int64_t lastHeads = std::min(deal.heads, round);
    const int64_t pairedHeads = deal.heads - lastHeads;
    const int64_t allPairs = pairedHeads * pairs;
    for (int64_t pair = 0; pair < allPairs; ++pair) {
      give(pair % workgroups, tiles - 1 - pair % pairs);
      give(pair % workgroups, pair % pairs + odd);
    }
    const int64_t mixedRound = allPairs / workgroups;
    const int64_t singles = lastHeads * tiles;
    for (int64_t single = 0; single < singles + odd * pairedHeads; ++single) {
      const int64_t turn = allPairs + single, place = turn % workgroups;
      const bool back = (turn / workgroups - mixedRound) & 1;
      give(back ? workgroups - 1 - place : place,
           single < singles ? tiles - 1 - single / lastHeads : 0);
    }
  }

  const ModelWalk &walk;
  const int64_t tiles;
  int64_t turns;
  TileDeal deal;
};
} // namespace

TileDeal attn_jit::dealOf(const ModelWalk &walk) { return Dealer(walk).run(); }

static void add(WorkgroupLoad &to, const WorkgroupLoad &load,
                double factor = 1) {
  to.tiles += factor * load.tiles, to.steps += factor * load.steps;
  to.maskedSteps += factor * load.maskedSteps;
}

WalkLoads attn_jit::loadsOf(const ModelWalk &walk, const TileDeal &deal,
                            int64_t stepKeys) {
  const int64_t tiles = std::max<int64_t>(walk.tilesOfHead(), 1);
  std::vector<WorkgroupLoad> ofTile;
  WorkgroupLoad head;
  for (int64_t tile = 0; tile < tiles; ++tile) {
    // Blocks that all rows see whole need no mask, but for the first to be
    // taken, which may end beyond the keys.
    const SeenKeys seen(walk, tile);
    const int64_t steps = std::max<int64_t>(ceilDiv(seen.any, stepKeys), 1);
    const int64_t masked = std::max<int64_t>(steps - seen.all / stepKeys, 1);
    ofTile.push_back({1, double(steps), double(masked)});
    add(head, ofTile.back());
  }
  WalkLoads made;
  made.steps = head.steps * double(walk.heads);
  if (!walk.causal) {
    made.workgroups.emplace_back();
    add(made.workgroups[0], ofTile[0],
        double(ceilDiv(tiles * walk.heads, deal.workgroups)));
    return made;
  }
  made.workgroups.resize(size_t(deal.workgroups));
  for (auto [workgroup, tile] : deal.turns)
    add(made.workgroups[workgroup], ofTile[tile]);
  if (deal.heads == walk.heads)
    return made;
  // In turns the same workgroups get the long tiles again and again; in the
  // other walks what is unequal is the end alone.
  const bool repeats =
      walk.deal == ModelWalk::InTurns && walk.order != ModelWalk::Paired;
  const double rest = double(walk.heads - deal.heads);
  for (WorkgroupLoad &load : made.workgroups)
    if (repeats)
      add(load, WorkgroupLoad(load), rest / double(deal.heads));
    else
      add(load, head, rest / double(deal.workgroups));
  return made;
}
