// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NVIDIA chips as SIMT targets: where a unit, a warp or a warpgroup, keeps a
// fragment (PTX ISA, "matrix fragments" of mma and wgmma), and PTX as text
// where LLVM has no intrinsic.
#ifndef ATTN_JIT_CODEGEN_NVPTX_NVPTXTARGET_H
#define ATTN_JIT_CODEGEN_NVPTX_NVPTXTARGET_H

#include "codegen/lower/GpuTarget.h"

namespace attn_jit {

class NvptxTarget : public GpuTarget {
public:
  using GpuTarget::GpuTarget;

  FragmentMap getFragmentMap(tile::FragType type) const override;
  llvm::ArrayRef<int64_t> rowLanes() const override;
  mlir::Value threadId(mlir::OpBuilder &b, mlir::Location loc) const override;
  mlir::Value unitId(mlir::OpBuilder &b, mlir::Location loc) const override;
  mlir::Value laneRow(mlir::OpBuilder &b, mlir::Location loc) const override;
  mlir::Value laneCol(mlir::OpBuilder &b, mlir::Location loc) const override;
  mlir::Value shuffleXor(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value value, int64_t mask) const override;
  mlir::Value anyInWave(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Value condition) const override;
  mlir::Value programId(mlir::OpBuilder &b, mlir::Location loc,
                        int64_t dim) const override;
  mlir::Value sharedOffset(mlir::OpBuilder &b, mlir::Location loc,
                           tile::SharedType type, mlir::Value row,
                           mlir::Value col) const override;
  mlir::Value sharedBase(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Operation *at) const override;
  void workgroupBarrier(mlir::OpBuilder &b, mlir::Location loc) const override;
};

/// Dynamic shared memory; its size is the launch's.
inline constexpr llvm::StringLiteral kSharedSymbol = "attn_shared";

/// One PTX statement, ordered with the others. `constraints` as in LLVM inline
/// asm; `memory` says that it touches memory.
mlir::Operation *ptx(mlir::OpBuilder &b, mlir::Location loc,
                     mlir::TypeRange results, llvm::StringRef text,
                     llvm::StringRef constraints, mlir::ValueRange operands,
                     bool memory = false);

/// A call of the LLVM intrinsic `name`.
mlir::Value intrinsic(mlir::OpBuilder &b, mlir::Location loc, mlir::Type result,
                      llvm::StringRef name, mlir::ValueRange operands);

/// The integer `value`, which LLVM takes for another: what is made of it is
/// made where it stands, not ahead of a loop, where it would cost registers.
mlir::Value held(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);

/// A vector's elements, one by one.
llvm::SmallVector<mlir::Value> elements(mlir::OpBuilder &b, mlir::Location loc,
                                        mlir::Value vector);

/// True on the first thread of each unit.
mlir::Value isUnitLeader(const GpuTarget &target, mlir::OpBuilder &b,
                         mlir::Location loc);

/// Workgroups of the cluster that `op` runs in; 1: there are none.
int64_t clusterOf(mlir::Operation *op);
/// All threads of the cluster meet before the first and after the last reaches
/// into another workgroup.
void beginCluster(mlir::OpBuilder &b, mlir::Location loc);
void endCluster(mlir::OpBuilder &b, mlir::Location loc);
/// This workgroup's index in its cluster, i32.
mlir::Value clusterRank(mlir::OpBuilder &b, mlir::Location loc);
/// cluster_rank.
void populateNvptxClusterPatterns(const GpuTypeConverter &converter,
                                  mlir::RewritePatternSet &patterns);

/// Bulk pipes and named barriers.
void populateNvptxPipePatterns(const GpuTypeConverter &converter,
                               mlir::RewritePatternSet &patterns);
/// Cooperative pipes whose copies go on beside the threads that issued them.
void populateThreadPipePatterns(const GpuTypeConverter &converter,
                                mlir::RewritePatternSet &patterns);
void populateThreadCopyPatterns(const GpuTypeConverter &converter,
                                mlir::RewritePatternSet &patterns);
void populateNvptxMailPatterns(const GpuTypeConverter &converter,
                               mlir::RewritePatternSet &patterns);
/// mma, wait, anchor and publish of a warpgroup, and of a warp.
void populateWgmmaPatterns(const GpuTypeConverter &converter,
                           mlir::RewritePatternSet &patterns);
void populateWarpMmaPatterns(const GpuTypeConverter &converter,
                             mlir::RewritePatternSet &patterns);
/// mma of a warp on operands of f32.
void populateTf32MmaPatterns(const GpuTypeConverter &converter,
                             mlir::RewritePatternSet &patterns);
void populateNvptxCastPatterns(const GpuTypeConverter &converter,
                               mlir::RewritePatternSet &patterns);
void populateNvptxKernelPatterns(const GpuTypeConverter &converter,
                                 mlir::RewritePatternSet &patterns);
void populateNvptxDelayPatterns(const GpuTypeConverter &converter,
                                mlir::RewritePatternSet &patterns);
void populateNvptxDrawPatterns(const GpuTypeConverter &converter,
                               mlir::RewritePatternSet &patterns);
/// Stores of 16-bit matrices, in whole sectors.
void populateNvptxStorePatterns(const GpuTypeConverter &converter,
                                mlir::RewritePatternSet &patterns);
void populateNvptxMathPatterns(const GpuTypeConverter &converter,
                               mlir::RewritePatternSet &patterns);

} // namespace attn_jit

#endif
