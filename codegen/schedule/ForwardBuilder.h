// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every forward schedule is made of: the kernel and its arguments, the key
// blocks that a query tile visits, one step of online softmax, the epilogue. A
// schedule adds the order of events. Nothing here knows a target's
// instructions.
#ifndef ATTN_JIT_CODEGEN_SCHEDULE_FORWARDBUILDER_H
#define ATTN_JIT_CODEGEN_SCHEDULE_FORWARDBUILDER_H

#include "codegen/schedule/TileOrder.h"
#include "dialect/attn/Attn.h"
#include "dialect/attn/MaskAnalysis.h"
#include "dialect/tile/Tile.h"
#include "mlir/IR/IRMapping.h"

namespace attn_jit {

/// Key blocks [first, end) have a visible key; [firstFull, endFull) of them are
/// wholly visible and need no mask. All i32.
struct KeyBlocks {
  mlir::Value first, firstFull, endFull, end;
};

/// Query heads of one key head that share tiles: a tile holds `rows` rows of
/// each, head after head. A row is then known by its number when rows are
/// counted tile after tile: that is what a place's row and the parts' rows are.
struct Packing {
  int64_t heads = 1, rows = 0;
  explicit operator bool() const { return heads > 1; }
};

/// What the rows of a fragment of packed heads are (i32, row).
struct PackedRows {
  mlir::Value heads, rows;
};

/// Online softmax's state: running maximum (row), and sum (partial).
struct SoftmaxState {
  mlir::Value max, sum;
};

/// Which of the steps that a piece of code runs hide keys: none, all, or those
/// where an i1 holds.
struct Masking {
  bool any;
  mlir::Value condition;
  static Masking never() { return {false, {}}; }
  static Masking always() { return {true, {}}; }
  static Masking where(mlir::Value condition) { return {true, condition}; }
};

struct SoftmaxStep {
  mlir::Value probabilities; ///< acc, f32
  SoftmaxState state;
  mlir::Value rescale; ///< row: what the output so far is multiplied by
};

class ForwardBuilder {
public:
  ForwardBuilder(mlir::OpBuilder &b, attn::ForwardOp forward,
                 const Schedule &schedule, const TargetInfo &target);

  /// Creates tile.kernel with the arguments of `forward`, and goes into it.
  void createKernel(int64_t units, tile::Access loads, const TileOrder &order);
  void finishKernel();
  /// The kernel's argument of that name, which it has.
  mlir::Value argument(llvm::StringRef name);

  //===-- small things
  //-----------------------------------------------------===//
  mlir::Value i32(int64_t value);
  mlir::Value f32(double value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, mlir::Value y);
  tile::FragType acc(int64_t rows, int64_t cols);
  tile::FragType rowType(int64_t rows, tile::FragLayout layout);
  /// `body` on the elements of `inputs`.
  mlir::Value
  map(mlir::ValueRange inputs, tile::FragType result,
      llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::ValueRange)> body,
      bool noWrap = false);
  mlir::Value broadcast(mlir::Value row, tile::FragType like);
  /// Rows [row, row + rows) of a shared tile.
  mlir::Value slice(mlir::Value tile, mlir::Value row, int64_t rows);
  /// Element type and swizzle of a shared tile of `cols` columns.
  tile::SharedType sharedType(int64_t rows, int64_t cols);

  /// Of `rows` packed rows from number `row` on: heads counted from `head`,
  /// rows from `first`.
  PackedRows packedRows(mlir::Value row, int64_t rows, mlir::Value head,
                        mlir::Value first);

  //===-- the parts
  //--------------------------------------------------------===//
  /// Of a tile's heads the first row, where the tile's is `row`.
  mlir::Value firstRow(mlir::Value row);
  /// Blocks of `bn` keys that query rows [row, row + bm) visit.
  KeyBlocks keyBlocks(mlir::Value row, int64_t bm, int64_t bn);
  /// Are there masked blocks before the wholly visible ones?
  bool masksBelow() const { return mask.boundsBelow(); }
  /// State and output before the first step.
  SoftmaxState initialState(int64_t rows);
  mlir::Value initialOutput(int64_t rows);
  /// One step on raw scores of rows from `row` and keys from `key`.
  SoftmaxStep softmax(
      mlir::Value scores, SoftmaxState state, mlir::Value row, mlir::Value key,
      Masking masking,
      llvm::function_ref<void(mlir::Value max)> beforeExponentials = nullptr);
  mlir::Value rescaled(mlir::Value output, mlir::Value factor);
  /// Probabilities as left operand.
  mlir::Value asLhs(mlir::Value probabilities);
  /// Normalises the rows at `where`, of which `sum` is partial, and writes
  /// them.
  void storeOutput(mlir::Value output, mlir::Value sum, const TilePlace &where);
  /// Writes their log-sum-exp, where it is asked for.
  void storeLogSumExp(SoftmaxState state, const TilePlace &where);

  mlir::OpBuilder &b;
  mlir::Location loc;
  attn::ForwardOp forward;
  const Schedule &schedule;
  const TargetInfo &target;
  ProblemShape problem;
  /// Columns of tiles: the dims, in whole products. Those beyond a dim hold
  /// zeros, and are not stored.
  int64_t headCols, valueCols;
  mlir::Type element;        ///< of the tensors
  mlir::Type computeElement; ///< of the products' operands

  tile::KernelOp kernel;
  mlir::Value query, key, value, out, lse;
  mlir::Value qLen, kvLen, scaleLog2e, scale;
  /// Waves none of whose maxima moved leave their output alone. Else every step
  /// multiplies it, which on some targets costs less than to ask.
  bool rescalesWhereMoved = false;
  TilePlace place; ///< that the parts below work on; the schedule moves it
  Packing packing;

private:
  mlir::Value multiplied(mlir::Value output, mlir::Value factor);
  mlir::Value offsetOf(const attn::KeyBound &bound);
  /// Bound `i` of the mask over rows [first, last]: the largest or smallest.
  mlir::Value boundAt(unsigned i, mlir::Value first, mlir::Value last,
                      bool largest);
  /// `scores`, and what a region reads beside them: each element's query as a
  /// position among the keys, its key, and, of packed heads, its head.
  llvm::SmallVector<mlir::Value> withPlaces(mlir::Value scores, mlir::Value row,
                                            mlir::Value key);
  /// batch, head, q and kv of such an element.
  llvm::SmallVector<mlir::Value> placeOf(mlir::ValueRange element);
  mlir::Value scored(mlir::Value scores, mlir::Value row, mlir::Value key);
  void storeRows(mlir::Value value, mlir::Value target, const TilePlace &where);
  mlir::Value maskedOut(mlir::Value scores, mlir::Value row, mlir::Value key);
  mlir::Value inlineRegion(mlir::Region &region, mlir::OpBuilder &at,
                           mlir::ValueRange arguments);
  attn::MaskAnalysis mask;
  llvm::SmallVector<mlir::Value> offsets; ///< of the mask's bounds
  mlir::IRMapping captured;
  mlir::Value position; ///< what is added to a row to place it among the keys
};

/// A schedule's builder: writes the kernel of `forward` after it.
using ScheduleBuilder = void (*)(ForwardBuilder &);
void buildFlashFwdAsync(ForwardBuilder &);
void buildFlashFwdSync(ForwardBuilder &);
void buildFlashFwdWs(ForwardBuilder &);

} // namespace attn_jit

#endif
