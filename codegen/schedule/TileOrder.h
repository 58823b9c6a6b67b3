// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which query tiles a workgroup works on, and in which order. A grid has a
// workgroup for each tile, or as many as the device holds at once, which then
// walk over all tiles, in turns or by drawing numbers from a counter.
#ifndef ATTN_JIT_CODEGEN_SCHEDULE_TILEORDER_H
#define ATTN_JIT_CODEGEN_SCHEDULE_TILEORDER_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

namespace attn_jit {
class ForwardBuilder;

/// Query rows from `row` of one head, or of packed heads from `head` on. All
/// i32.
struct TilePlace {
  mlir::Value batch, head, kvHead, row;
};

struct TileOrder {
  /// Tiles of a head: first to last, last to first, or long ones with short
  /// ones (of resident workgroups only).
  enum Kind { Forward, Reverse, Paired };

  enum Grid { OneTile, Resident, Dynamic };

  int64_t bm; ///< query rows of a tile, or of all tiles of a cluster
  Kind kind = Forward;
  bool resident = false; ///< workgroups walk over tiles
  bool draws = false;    ///< and draw which from a counter
  int64_t section = 1;   ///< heads whose tiles of one number stand together
  int64_t heads = 1;     ///< that share a tile, and walk as one
  /// Workgroups that go side by side: what is told of a workgroup below is then
  /// told of a cluster, whose tiles follow each other in one head.
  int64_t cluster = 1;

  /// The kernel's grid, and what its launch gives beside the lengths.
  llvm::SmallVector<std::string> grid() const;
  llvm::SmallVector<llvm::StringRef> scalars() const;

  /// The tile of a workgroup of its own.
  TilePlace own(ForwardBuilder &f) const;
};

/// The walk of a resident workgroup. Section of heads after section, in turns,
/// so that all read the same few heads' keys while the L2 holds them; where
/// tiles are drawn a workgroup's first is its turn, and each further one the
/// next that nobody has. Where tiles differ in
/// length (a causal mask: tile i is as long as i + 1), `Paired` gives each
/// workgroup the same work without a counter in memory:
///
///   * of the first heads a turn is a pair of tiles, i and the i-th from the
///     end, all pairs together equally long;
///   * the last heads, one round of pairs or just above, go tile by tile,
///     longest first, and every second round from the other end, so that what
///     the last round leaves idle is short;
///   * where a head's tiles are odd in number its shortest has no pair and
///     comes at the very end.
class TileWalk {
public:
  TileWalk(ForwardBuilder &f, const TileOrder &order);

  mlir::Value count; ///< tiles that this workgroup visits, at least one
  TilePlace at(mlir::Value visit);

  // Of drawn tiles, which have no count.
  mlir::Value firstTurn() const { return id; }
  mlir::Value isTurn(mlir::Value turn);
  /// The turn after all that have been drawn. Each workgroup draws until it is
  /// given one that is none: as many draws as turns, which leave the counter 0.
  mlir::Value drawTurn();
  TilePlace atTurn(mlir::Value turn);

private:
  mlir::Value divided(mlir::Value x, mlir::Value y);
  mlir::Value isBefore(mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  /// Turns that this workgroup has of `all`.
  mlir::Value turns(mlir::Value all);
  /// The turn of round `round`.
  mlir::Value turnOf(mlir::Value round);
  void paired(mlir::Value visit, mlir::Value &all, mlir::Value &index);
  TilePlace placeOf(mlir::Value all, mlir::Value index);

  ForwardBuilder &f;
  const TileOrder &order;
  mlir::Value heads, group;
  mlir::Value workgroups, id; ///< or clusters, and this one's number
  mlir::Value tiles;          ///< of a head
  mlir::Value allHeads;       ///< that walk, of all batches
  mlir::Value allTurns;       ///< but of paired walks
  // Of paired walks.
  mlir::Value pairs, odd;            ///< of a head
  mlir::Value pairedHeads, allPairs; ///< of the first heads
  mlir::Value lastHeads;             ///< heads that go tile by tile
  mlir::Value mixedRound;            ///< pairs before it, and tiles after it
  mlir::Value ownPairs;              ///< of this workgroup
};

} // namespace attn_jit

#endif
