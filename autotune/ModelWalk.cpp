// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The walks of codegen/schedule/TileOrder.cpp, in numbers: test/autotune holds
// that every tile is taken once.
#include "autotune/ModelWalk.h"

#include <algorithm>
#include <queue>

using namespace attn_jit;

/// Tiles that are dealt one by one. Of 132 workgroups 16 rounds: the rest of a
/// round is then 3 % of the whole at most.
static constexpr int64_t kDealt = 2112;
/// What a tile costs beside its steps where the next free workgroup takes it,
/// in steps: its ends (Model.cpp has them in cycles; here they only say who is
/// free first).
static constexpr double kEndsInSteps = 1;

static int64_t ceilDiv(int64_t x, int64_t y) { return (x + y - 1) / y; }

namespace {
class Dealer {
public:
  explicit Dealer(const ModelWalk &walk)
      : walk(walk), tiles(std::max<int64_t>(walk.tilesOfHead(), 1)),
        allHeads(std::max<int64_t>(walk.heads, 1)),
        heads(std::min(allHeads, ceilDiv(kDealt, tiles))),
        workgroups(std::min(walk.workgroups, tiles * heads)) {
    for (int64_t i = 0; i < tiles; ++i)
      ofTile.push_back(tileLoad(i));
  }

  WalkLoads run() {
    WorkgroupLoad head;
    for (const WorkgroupLoad &tile : ofTile)
      add(head, tile);
    WalkLoads made;
    made.steps = head.steps * double(allHeads);
    made.busy = std::min(walk.workgroups, tiles * allHeads);
    if (!walk.causal) {
      // All tiles are alike.
      const double count = double(ceilDiv(tiles * allHeads, made.busy));
      made.workgroups = {
          {count, count * ofTile[0].steps, count * ofTile[0].maskedSteps}};
      return made;
    }
    loads.resize(size_t(workgroups));
    if (walk.deal == ModelWalk::NextFree)
      dealToNextFree();
    else if (walk.order == ModelWalk::Paired)
      dealPairs();
    else
      dealInTurns();
    addOtherHeads(head);
    std::ranges::sort(loads);
    loads.erase(std::unique(loads.begin(), loads.end()), loads.end());
    made.workgroups = std::move(loads);
    return made;
  }

private:
  static void add(WorkgroupLoad &to, const WorkgroupLoad &tile) {
    to.tiles += tile.tiles, to.steps += tile.steps;
    to.maskedSteps += tile.maskedSteps;
  }

  /// Steps from the first key to the last that the tile's last row sees; those
  /// that its first row sees whole need no mask, but for the first to be taken,
  /// which may end beyond the keys.
  WorkgroupLoad tileLoad(int64_t tile) const {
    int64_t seen = walk.kvLen, whole = walk.kvLen;
    if (walk.causal) {
      const int64_t before = walk.kvLen - walk.queryLen;
      const int64_t first = tile * walk.tileRows;
      const int64_t last = std::min(first + walk.tileRows, walk.queryLen);
      seen = std::clamp<int64_t>(before + last, 0, walk.kvLen);
      whole = std::clamp<int64_t>(before + first + 1, 0, seen);
    }
    const int64_t steps = std::max<int64_t>(ceilDiv(seen, walk.stepKeys), 1);
    const int64_t masked = std::max<int64_t>(steps - whole / walk.stepKeys, 1);
    return {1, double(steps), double(masked)};
  }

  /// The tile of a head's `number`-th turn.
  const WorkgroupLoad &inOrder(int64_t number) const {
    return ofTile[size_t(
        walk.order == ModelWalk::Forward ? number : tiles - 1 - number)];
  }

  /// Of the number of a turn, its tile: section of heads after section.
  const WorkgroupLoad &ofTurn(int64_t turn) const {
    if (walk.section == 1)
      return inOrder(turn % tiles);
    const int64_t whole = walk.section * tiles;
    const int64_t first = turn / whole * walk.section;
    return inOrder(turn % whole / std::min(walk.section, heads - first));
  }

  void dealToNextFree() {
    using Free = std::pair<double, size_t>; // when, and who
    std::priority_queue<Free, std::vector<Free>, std::greater<>> queue;
    for (size_t w = 0; w < loads.size(); ++w)
      queue.push({0, w});
    for (int64_t turn = 0; turn < tiles * heads; ++turn) {
      const auto [time, who] = queue.top();
      const WorkgroupLoad &tile = ofTurn(turn);
      queue.pop();
      queue.push({time + tile.steps + kEndsInSteps, who});
      add(loads[who], tile);
    }
  }

  void dealInTurns() {
    for (int64_t turn = 0; turn < tiles * heads; ++turn)
      add(loads[size_t(turn % workgroups)], ofTurn(turn));
  }

  /// Of the first heads a turn is a pair of tiles; the last heads go tile by
  /// tile, every second round from the other end; the shortest of an odd number
  /// of tiles come at the end.
  void dealPairs() {
    const int64_t pairs = tiles / 2, odd = tiles % 2;
    const int64_t round = ceilDiv(workgroups, std::max<int64_t>(pairs, 1));
    const int64_t lastHeads = std::min(heads, round);
    const int64_t pairedHeads = heads - lastHeads;
    const int64_t allPairs = pairedHeads * pairs;
    for (int64_t pair = 0; pair < allPairs; ++pair) {
      WorkgroupLoad &load = loads[size_t(pair % workgroups)];
      const int64_t i = pair % pairs;
      add(load, ofTile[size_t(tiles - 1 - i)]);
      add(load, ofTile[size_t(i + odd)]);
    }
    const int64_t mixedRound = allPairs / workgroups;
    const int64_t singles = lastHeads * tiles;
    const int64_t turns = allPairs + singles + odd * pairedHeads;
    for (int64_t turn = allPairs; turn < turns; ++turn) {
      const int64_t place = turn % workgroups;
      const bool back = (turn / workgroups - mixedRound) & 1;
      const int64_t single = turn - allPairs;
      add(loads[size_t(back ? workgroups - 1 - place : place)],
          ofTile[size_t(single < singles ? tiles - 1 - single / lastHeads
                                         : 0)]);
    }
  }

  /// In turns the same workgroups get the long tiles again and again; in the
  /// other walks what is unequal is the end alone.
  void addOtherHeads(const WorkgroupLoad &head) {
    if (heads == allHeads)
      return;
    const bool repeats =
        walk.deal == ModelWalk::InTurns && walk.order != ModelWalk::Paired;
    const double rest = double(allHeads - heads);
    const double more = rest / double(heads), each = rest / double(workgroups);
    for (WorkgroupLoad &load : loads) {
      const WorkgroupLoad own = repeats ? load : head;
      const double factor = repeats ? more : each;
      load.tiles += factor * own.tiles, load.steps += factor * own.steps;
      load.maskedSteps += factor * own.maskedSteps;
    }
  }

  const ModelWalk &walk;
  const int64_t tiles, allHeads, heads, workgroups;
  std::vector<WorkgroupLoad> ofTile, loads;
};
} // namespace

WalkLoads attn_jit::loadsOf(const ModelWalk &walk) {
  return Dealer(walk).run();
}
