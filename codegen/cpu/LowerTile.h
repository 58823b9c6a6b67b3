// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lowering of one tile kernel to one host function. A fragment is a buffer on
// the stack, row after row; consecutive ops on fragments form a group, which is
// one sweep over rows. An op's result takes the buffer of an operand that it is
// the last to read, so the steady loop of a schedule moves no fragment.
#ifndef ATTN_JIT_CODEGEN_CPU_LOWERTILE_H
#define ATTN_JIT_CODEGEN_CPU_LOWERTILE_H

#include "codegen/cpu/HostBuilder.h"
#include "dialect/tile/Tile.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"
#include <deque>

namespace attn_jit::cpu {

/// A tensor that the kernel reaches directly; strides in elements.
struct Global {
  mlir::Value base, batch, head, row;
  tile::GlobalType type;
};

/// `count` valid rows of a tensor, `stride` elements apart.
struct Rows {
  mlir::Value base, stride, count;
  mlir::Type element;
  int64_t cols;
};

/// A shared tile as the right operand of a product: depth x cols, as panels of
/// panelWidth() columns (the last may be narrower), each panel row after row. A
/// slice has `depth` of the `panelDepth` rows of each panel.
struct SharedTile {
  mlir::Value ptr;
  mlir::Value firstDepth; ///< of a slice; null: 0
  int64_t depth = 0, panelDepth = 0, cols = 0;
  bool transposed = false; ///< rows of the tile are columns of the operand
};

struct Pipe {
  SharedTile slot;
  int64_t stages = 1;
};

/// Columns of a panel: what one pass of the product keeps in registers.
int64_t panelWidth(const HostBuilder &b);

/// acc (or zero) + lhs * rhs into out, which may be acc.
struct Product {
  mlir::Value lhs;
  int64_t rows;
  SharedTile rhs;
  mlir::Value acc, out;
  mlir::Value liveRows; ///< rows from here on need not be computed; null: all
};
void buildProduct(HostBuilder &b, const Product &product);

/// Rows of a tensor into panels; rows past `count` become zeros.
void buildPack(HostBuilder &b, const Rows &from, const SharedTile &to);
/// Rows of a tensor into a fragment's buffer, and back.
void buildLoad(HostBuilder &b, const Rows &from, mlir::Value buffer,
               int64_t rows);
void buildStore(HostBuilder &b, mlir::Value buffer, mlir::Type element,
                const Rows &to);
void buildCopy(HostBuilder &b, mlir::Value from, mlir::Value to,
               int64_t elements);

/// A stack buffer of 4-byte elements and the value that lives in it.
struct Buffer {
  mlir::Value ptr;
  int64_t elements = 0;
  mlir::Value owner;
  int pins = 0; ///< loops that carry a fragment in it
};

/// One element or vector of each fragment of a group, while it is computed.
struct Site {
  mlir::Value row, col;
  int64_t width;
  llvm::DenseMap<mlir::Value, mlir::Value> values{};
};

/// Consecutive ops on fragments of as many rows, by phase: odd phases run over
/// the columns of each row, even ones compute row fragments.
struct Group {
  struct Item {
    mlir::Operation *op;
    int phase;
  };
  llvm::SmallVector<Item> items;
  int64_t rows = 0;
  mlir::Value live; ///< rows that are computed; null: all
  int phases = 0;
  int64_t end = 0; ///< position of the first op after the group
  llvm::DenseMap<mlir::Value, int> defined, lastRead; ///< phases, by root
};

inline bool isFragment(mlir::Value value) {
  return mlir::isa<tile::FragType, tile::PendingType>(value.getType());
}
/// The shape an op is computed over: a reduction runs over what it reduces.
tile::FragType shapeOf(mlir::Operation *op);

class TileLowering {
public:
  TileLowering(tile::KernelOp kernel, int64_t lanes);
  llvm::LogicalResult run();

private:
  //===-- LowerKernel.cpp ------------------------------------------------===//
  llvm::LogicalResult lowerArguments(mlir::Value block);
  llvm::LogicalResult lowerOp(mlir::Operation &op);
  llvm::LogicalResult lowerPipe(tile::PipeCreateOp op);
  SharedTile stageOf(const Pipe &pipe, mlir::Value use);
  llvm::LogicalResult lowerSlice(tile::SliceOp op);
  llvm::LogicalResult lowerMma(tile::MmaOp op);
  llvm::LogicalResult lowerScalar(mlir::Operation &op);
  Rows rowsOf(mlir::Value global, mlir::Value batch, mlir::Value head,
              mlir::Value row, mlir::Value limit, int64_t rows);

  //===-- LowerControl.cpp -----------------------------------------------===//
  llvm::LogicalResult lowerBlock(mlir::Block &block,
                                 llvm::ArrayRef<Buffer *> yields);
  llvm::LogicalResult lowerFor(mlir::scf::ForOp op);
  llvm::LogicalResult lowerIf(mlir::scf::IfOp op);

  //===-- Buffers.cpp ----------------------------------------------------===//
  /// `value` without what is free here: waits, combines, spreads, widenings.
  mlir::Value root(mlir::Value value);
  /// Recomputed where it is read rather than stored.
  static bool isLazy(mlir::Value root);
  static int64_t elementsOf(mlir::Type fragment, int64_t lanes);
  /// Position in `root`'s block of the last op that reads it.
  int64_t lastUse(mlir::Value root);
  bool diesBefore(mlir::Value root, int64_t position);
  int64_t position(mlir::Operation *op);
  Buffer *allocate(int64_t elements);
  Buffer *bufferOf(mlir::Value root);
  void give(Buffer *buffer, mlir::Value owner);
  /// The buffer in which the surrounding loop wants `root`, or null.
  Buffer *wanted(mlir::Value root, llvm::ArrayRef<Buffer *> yields);
  /// A buffer that holds `value`; lazy values are written out.
  Buffer *materialize(mlir::Value value);
  void write(mlir::Value value, Buffer *to);
  void release(mlir::Block *block, int64_t position);

  /// How many rows of fragments of `rows` rows reach memory, or null when that
  /// is not known to be fewer: rows depend on no other row, so what no store
  /// writes need not be computed. A last tile, or a single query, costs what it
  /// holds.
  mlir::Value liveRows(int64_t rows);

  //===-- GroupFragments.cpp ---------------------------------------------===//
  bool joinsGroup(mlir::Operation &op);
  llvm::LogicalResult flush();
  void placeResults(Group &group);

  //===-- LowerFragments.cpp ---------------------------------------------===//
  llvm::LogicalResult sweepRows(Group &group, int phase, mlir::Value rowBlock);
  llvm::LogicalResult sweepColumns(Group &group,
                                   llvm::ArrayRef<mlir::Operation *> ops,
                                   int64_t cols, mlir::Value row);
  llvm::LogicalResult computeAt(mlir::Operation *op, Site &site);
  mlir::Value evaluate(mlir::Value value, Site &site);

  tile::KernelOp kernel;
  HostBuilder b;
  mlir::LLVM::LLVMFuncOp function;
  mlir::Value programIds[3];
  mlir::IRMapping scalars;
  llvm::DenseMap<mlir::Value, Global> globals;
  llvm::DenseMap<mlir::Value, Pipe> pipes;
  llvm::DenseMap<mlir::Value, SharedTile> tiles;

  std::deque<Buffer> buffers;
  llvm::DenseMap<mlir::Value, Buffer *> placed;
  llvm::DenseMap<mlir::Operation *, int64_t> positions;
  llvm::DenseMap<mlir::Value, int64_t> lastUses;
  /// Where the terminator of the block being lowered wants its fragments.
  llvm::ArrayRef<Buffer *> blockYields;
  mlir::Block *currentBlock = nullptr;

  llvm::SmallVector<mlir::Operation *> pending; ///< the group to be
};

} // namespace attn_jit::cpu

#endif
