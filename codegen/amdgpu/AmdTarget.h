// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fragments, lanes and shared memory of the AMD targets. The matrix unit is
// given its product transposed (its first operand is rhs^T), so a lane owns one
// query row, and rhs^T's rows, which may stand in any order, are dealt so that
// a lane's columns are neighbours. Every map here follows from those two
// choices.
#ifndef ATTN_JIT_CODEGEN_AMDGPU_AMDTARGET_H
#define ATTN_JIT_CODEGEN_AMDGPU_AMDTARGET_H

#include "codegen/lower/GpuTarget.h"

namespace attn_jit {

/// Edge of every matrix operand that is used: 16 x 16 x 16.
inline constexpr int64_t kEdge = 16;

class AmdTarget : public GpuTarget {
public:
  /// `deal`: how many hardware tiles share a block of columns, 1, 2 or 4.
  /// Column c of a block of 16 * deal belongs to hardware tile c mod deal.
  AmdTarget(const TargetInfo &info, int64_t deal)
      : GpuTarget(info), deal(deal) {}
  /// The widest deal that divides all fragments of `kernel`.
  static int64_t dealFor(mlir::Operation *kernel);

  const int64_t deal;

  /// MFMA spreads k over the lanes; WMMA gives every lane all of it.
  bool spreadsK() const { return info.has(Capability::SpreadOperands); }
  /// Result rows of one hardware tile that a lane holds.
  int64_t laneResults() const { return kEdge * kEdge / info.waveThreads; }
  /// Columns that lie side by side in one lane, of each block of kEdge * deal.
  int64_t run() const { return laneResults() * deal; }
  int64_t blockCols() const { return kEdge * deal; }
  /// Pieces of a right operand that are read before the one that multiplies.
  /// WMMA operands take twice the registers, and half of the waves hide the
  /// wait.
  int64_t readAhead() const { return spreadsK() ? 2 : 1; }

  FragmentMap getFragmentMap(tile::FragType type) const override;
  llvm::ArrayRef<int64_t> rowLanes() const override;
  mlir::Value threadId(mlir::OpBuilder &b, mlir::Location loc) const override;
  mlir::Value unitId(mlir::OpBuilder &b, mlir::Location loc) const override;
  mlir::Value laneRow(mlir::OpBuilder &b, mlir::Location loc) const override;
  mlir::Value laneCol(mlir::OpBuilder &b, mlir::Location loc) const override;
  mlir::Value lhsLaneCol(mlir::OpBuilder &b, mlir::Location loc) const override;
  /// LLVM would add the lane's part of a coordinate to each element's first,
  /// and keep all those sums through the loop.
  mlir::Value asOneRegister(mlir::OpBuilder &b, mlir::Location loc,
                            mlir::Value value) const override;
  mlir::Value shuffleXor(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value value, int64_t mask) const override;
  mlir::Value programId(mlir::OpBuilder &b, mlir::Location loc,
                        int64_t dim) const override;
  mlir::Value sharedOffset(mlir::OpBuilder &b, mlir::Location loc,
                           tile::SharedType type, mlir::Value row,
                           mlir::Value col) const override;
  mlir::Value sharedBase(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Operation *at) const override;
  void workgroupBarrier(mlir::OpBuilder &b, mlir::Location loc) const override;

  /// Which of the lanes that share a row this one is.
  mlir::Value laneGroup(mlir::OpBuilder &b, mlir::Location loc) const;
  /// First of the `deal` rhs^T rows that this lane supplies to a block of
  /// tiles.
  mlir::Value operandRow(mlir::OpBuilder &b, mlir::Location loc) const;
  /// Byte offset of a row whose number is known, a multiple of `deal`.
  int64_t sharedRowOffset(tile::SharedType type, int64_t row) const;
};

/// Name of the global that holds the shared memory of `kernel`.
std::string sharedGlobalName(llvm::StringRef kernel);

/// mma, wait, publish, anchor.
void populateAmdMatrixPatterns(const GpuTypeConverter &converter,
                               const AmdTarget &target,
                               mlir::RewritePatternSet &patterns);
/// Casts that round or move between lanes, f32 division.
void populateAmdScalarPatterns(const GpuTypeConverter &converter,
                               const AmdTarget &target,
                               mlir::RewritePatternSet &patterns);
/// Copies into cooperative pipes.
void populateAmdCopyPatterns(const GpuTypeConverter &converter,
                             const AmdTarget &target,
                             mlir::RewritePatternSet &patterns);

} // namespace attn_jit

#endif
