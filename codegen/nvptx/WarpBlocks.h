// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a warp's products find their operands in swizzled tiles. Worked out
// ahead, the addresses of all columns would stay in registers through a loop:
// of each lane one goes through it, and the others are an XOR away.
#ifndef ATTN_JIT_CODEGEN_NVPTX_WARPBLOCKS_H
#define ATTN_JIT_CODEGEN_NVPTX_WARPBLOCKS_H

#include "codegen/nvptx/NvptxTarget.h"
#include <array>
#include <functional>

namespace attn_jit {

/// A lane's bytes in the first block of a tile, of 8 or 16 rows and 32 bytes,
/// and the same lane's in any other.
class LanePlace {
public:
  LanePlace(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tile,
            tile::SharedType type, mlir::Value row, mlir::Value byte);
  /// The pointer, `rows` down (a multiple of 8) and `bytes` across (of 32).
  mlir::Value at(int64_t rows, int64_t bytes) const;

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
  tile::SharedType type;
  mlir::Value start;
};

/// How the 8 x 8 matrices of a block are numbered: as mma wants its left
/// operand, and a right one that is read transposed, down first; a right one
/// whose rows are N, across first.
enum class BlockOrder { Down, Across };

/// Reads blocks of 16 rows and 32 bytes by ldmatrix: four registers a lane.
class BlockReader {
public:
  static constexpr int64_t kRows = 16, kBytes = 32;
  BlockReader(mlir::OpBuilder &b, mlir::Location loc, const GpuTarget &target,
              mlir::Value tile, tile::SharedType type, BlockOrder order,
              bool transposed);
  llvm::SmallVector<mlir::Value, 4> read(int64_t rowBlock,
                                         int64_t colBlock) const;

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
  bool transposed;
  LanePlace place;
};

/// What a warp multiplies, in blocks of 16 rows, columns and of K.
struct BlockProduct {
  static constexpr int64_t kEdge = 16;
  int64_t rowTiles, columns, steps;

  /// Of each tile of rows the sums that a lane has.
  int64_t sumsPerTile() const { return columns * kEdge / 2; }
  int64_t sums() const { return rowTiles * sumsPerTile(); }
  /// Emits an error where the edges are no multiples of a block's.
  static mlir::FailureOr<BlockProduct> of(tile::MmaOp op);
};

/// A left operand's four registers of a tile of rows and 32 bytes of K.
using LeftBlocks =
    std::function<llvm::SmallVector<mlir::Value, 4>(int64_t row, int64_t step)>;

/// `lhs` is a shared tile or a fragment, by `type`. Of a fragment, whose
/// registers are those of an accumulator, the product's register i is
/// `order[i]`.
LeftBlocks leftBlocks(mlir::OpBuilder &b, mlir::Location loc,
                      const GpuTarget &target, mlir::Value lhs, mlir::Type type,
                      std::array<int64_t, 4> order);

/// One product of a warp: the intrinsic `name` on the registers of both
/// operands and four sums.
llvm::SmallVector<mlir::Value, 4>
warpProduct(mlir::OpBuilder &b, mlir::Location loc, llvm::StringRef name,
            llvm::ArrayRef<mlir::Value> lhs, llvm::ArrayRef<mlir::Value> rhs,
            llvm::ArrayRef<mlir::Value> sum);

/// The sums of a product's result: those of its accumulator, or zeros.
llvm::SmallVector<mlir::Value> initialSums(mlir::OpBuilder &b,
                                           mlir::Location loc,
                                           mlir::Value accumulator,
                                           int64_t count);

} // namespace attn_jit

#endif
