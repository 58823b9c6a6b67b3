// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// flash_fwd_ws.v1's parts: what its two roles share, and the consumer. The
// producer and the kernel are in FlashFwdWs.cpp.
#ifndef ATTN_JIT_CODEGEN_SCHEDULE_FLASHFWDWS_H
#define ATTN_JIT_CODEGEN_SCHEDULE_FLASHFWDWS_H

#include "codegen/schedule/ForwardBuilder.h"

namespace attn_jit::ws {

/// Query rows of a consumer.
inline constexpr int64_t kRows = 64;

/// A tile, as the producer of resident workgroups tells it to the consumers.
/// Those of a cluster have their rows alone for themselves.
/// Its steps take key blocks from the last to the first, so that masked ones
/// come first: [0, firstFull), the first at least, and [endFull, steps).
struct Tile {
  mlir::Value batch, head, row; ///< of its first query
  mlir::Value lastBlock;        ///< of keys: step 0's
  mlir::Value steps, firstFull, endFull;

  static constexpr int64_t kNumbers = 7;
  /// Of this workgroup, where its cluster's tiles begin at `place`.
  static Tile at(ForwardBuilder &f, const TilePlace &place,
                 const TileOrder &order, int64_t bn);
  llvm::SmallVector<mlir::Value> numbers() const;
  static Tile of(mlir::ValueRange numbers);
};

/// The schedule's fields, and the rings between its roles.
struct Kernel {
  explicit Kernel(ForwardBuilder &f);
  void createRings();

  ForwardBuilder &f;
  int64_t bm, bn, consumers;
  bool overlap, sharedP, pingpong, anchor, oneLoop;
  TileOrder order;
  mlir::Value queries, keys, values; ///< pipes
  mlir::Value tiles;                 ///< mail, where workgroups are resident
  mlir::Value probabilities;         ///< a shared tile, with p=shared
  TilePlace place;                   ///< of a workgroup of one tile
  Tile tile;                         ///< that one
};

/// A role, and the tile that it works on.
class Role {
public:
  explicit Role(const Kernel &k) : k(k), f(k.f), b(f.b), loc(f.loc) {}

protected:
  /// Goes to a tile, the workgroup's `number`-th, of which step i is use
  /// `firstUse` + i of the rings.
  void enter(const Tile &tile, mlir::Value number, mlir::Value firstUse);
  /// `body` on each of the workgroup's `count` tiles, given its number, with
  /// `carried` from one to the next.
  llvm::SmallVector<mlir::Value>
  eachTile(mlir::Value count, llvm::ArrayRef<mlir::Value> carried,
           llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                             mlir::ValueRange)>
               body);
  mlir::Value keyOf(mlir::Value step);
  mlir::Value useOf(mlir::Value step);
  mlir::Value compared(mlir::arith::CmpIPredicate predicate, mlir::Value x,
                       mlir::Value y);

  const Kernel &k;
  ForwardBuilder &f;
  mlir::OpBuilder &b;
  mlir::Location loc;
  Tile tile;
  mlir::Value tileNumber, firstUse;
};

/// What a consumer carries from step to step.
struct Carried {
  SoftmaxState state;
  mlir::Value output;
  mlir::Value p;      ///< With overlap: the last step's left operand, when in
                      ///< registers.
  mlir::Value counts; ///< Across tiles: `output` is of the tile at hand.

  llvm::SmallVector<mlir::Value> list() const;
  static Carried of(mlir::ValueRange all);
};

class Consumer : public Role {
public:
  using Role::Role;
  void build(mlir::Value unit);

private:
  mlir::Value slot(mlir::Value pipe, mlir::Value use);
  void release(mlir::Value pipe, mlir::Value use, mlir::Value when = {});
  mlir::Value startScores(mlir::Value step);
  mlir::Value startOutput(const Carried &carried, mlir::Value use);
  mlir::Value wait(mlir::Value pending, int64_t inFlight);
  mlir::Value publish(mlir::Value p);

  void beginTurns(mlir::Value unit);
  void takeTurn();
  void passTurn();

  Carried fresh();
  Carried inOrder(mlir::Value step, const Carried &carried, Masking masking);
  /// The scores of `step` beside the output of the step before, use `before` of
  /// the values; `store` takes that output where it is another tile's.
  Carried overlapped(mlir::Value step, mlir::Value before,
                     const Carried &carried, Masking masking,
                     mlir::Value releases = {},
                     llvm::function_ref<void(mlir::Value)> store = nullptr);
  using Step = llvm::function_ref<Carried(mlir::Value step, const Carried &)>;
  Carried sweep(mlir::Value first, mlir::Value end, const Carried &carried,
                Step step);
  /// The tile's steps from `from`.
  Carried sweeps(mlir::Value from, Carried carried);
  void finish(const Carried &carried, mlir::Value use, const Tile &of);

  /// The numbers of the workgroup's tile `number`.
  Tile taken(mlir::Value number);
  /// `body` on each tile that the producer tells; gives how many, and what is
  /// carried.
  llvm::SmallVector<mlir::Value>
  eachTold(llvm::ArrayRef<mlir::Value> carried,
           llvm::function_ref<llvm::SmallVector<mlir::Value>(
               mlir::Value number, const Tile &, mlir::ValueRange)>
               body);
  /// Where this consumer's rows of a tile go.
  TilePlace ownPlace(const Tile &tile);
  /// Goes to a tile, and waits for its queries.
  void begin(const Tile &tile, mlir::Value number, mlir::Value firstUse);
  void oneTile();
  void tilesInOrder();
  void tilesOverlapped();
  Carried overlappedTile(const Carried &carried);
  mlir::Value isMasked(mlir::Value step);
  void storeBefore(mlir::Value any, mlir::Value output, mlir::Value sum);

  mlir::Value ownProbabilities, offset, row, query, ownTurn, nextTurn;
};

} // namespace attn_jit::ws

#endif
