// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the fragment and memory patterns ask of a SIMT target: where the
// elements of a fragment live, who this thread is, and how lanes talk. A
// fragment is a vector of the elements that one thread holds, in the order of
// FragmentMap.
#ifndef ATTN_JIT_CODEGEN_LOWER_GPUTARGET_H
#define ATTN_JIT_CODEGEN_LOWER_GPUTARGET_H

#include "dialect/Target.h"
#include "dialect/tile/Tile.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Transforms/DialectConversion.h"

namespace attn_jit {

/// Bytes that a shared tile takes: unswizzled rows carry the target's padding.
int64_t sharedTileBytes(tile::SharedType type, const TargetInfo &info);

/// Where element `i` of a thread's vector stands: row and column relative to
/// the thread's own (laneRow, laneCol), and which of the thread's rows it is
/// in.
struct ElementPosition {
  int64_t rowSlot, row, col;
};

struct FragmentMap {
  llvm::SmallVector<ElementPosition> elements;
  /// Relative row of each of the thread's rows; a row fragment holds one value
  /// each.
  llvm::SmallVector<int64_t> rowSlots;
};

class GpuTarget {
public:
  explicit GpuTarget(const TargetInfo &info) : info(info) {}
  virtual ~GpuTarget() = default;

  const TargetInfo &info;

  //===-- Fragments: pure functions of their type
  //--------------------------===//

  /// For acc and lhs: all elements. For row and partial: the rows alone, as
  /// those of an acc fragment of as many rows.
  virtual FragmentMap getFragmentMap(tile::FragType type) const = 0;
  /// XOR masks of the lanes that share a row, for a butterfly over them.
  virtual llvm::ArrayRef<int64_t> rowLanes() const = 0;

  //===-- This thread
  //------------------------------------------------------===//

  virtual mlir::Value threadId(mlir::OpBuilder &b,
                               mlir::Location loc) const = 0;
  /// Index of this thread's unit in the workgroup, uniform over the unit.
  virtual mlir::Value unitId(mlir::OpBuilder &b, mlir::Location loc) const = 0;
  /// Row and column of the thread's first acc element in its unit's fragment.
  virtual mlir::Value laneRow(mlir::OpBuilder &b, mlir::Location loc) const = 0;
  virtual mlir::Value laneCol(mlir::OpBuilder &b, mlir::Location loc) const = 0;
  /// The same for a left operand's fragment, where it differs from acc.
  virtual mlir::Value lhsLaneCol(mlir::OpBuilder &b, mlir::Location loc) const {
    return laneCol(b, loc);
  }
  /// `value`, where a back end would rather add each element's share to its
  /// parts than to the whole, and keep all those sums.
  virtual mlir::Value asOneRegister(mlir::OpBuilder &b, mlir::Location loc,
                                    mlir::Value value) const {
    return value;
  }
  /// True on one lane of those that share a row.
  virtual mlir::Value isRowLeader(mlir::OpBuilder &b, mlir::Location loc) const;
  /// The 32-bit `value` of lane ^ mask.
  virtual mlir::Value shuffleXor(mlir::OpBuilder &b, mlir::Location loc,
                                 mlir::Value value, int64_t mask) const = 0;
  /// Does `condition` hold on a lane of this wave? No value where asking costs
  /// more than what it could save.
  virtual mlir::Value anyInWave(mlir::OpBuilder &b, mlir::Location loc,
                                mlir::Value condition) const {
    return {};
  }
  virtual mlir::Value programId(mlir::OpBuilder &b, mlir::Location loc,
                                int64_t dim) const = 0;

  //===-- Shared memory
  //----------------------------------------------------===//

  /// Threads of the workgroup that `op` runs on; its kernel may be a function
  /// already, which keeps the units as an attribute.
  int64_t workgroupThreads(mlir::Operation *op) const;
  /// Bytes that a shared tile takes, with the target's padding.
  int64_t sharedBytes(tile::SharedType type) const {
    return sharedTileBytes(type, info);
  }
  /// Byte offset of (row, col) in a shared tile; col is a multiple of 16 bytes.
  virtual mlir::Value sharedOffset(mlir::OpBuilder &b, mlir::Location loc,
                                   tile::SharedType type, mlir::Value row,
                                   mlir::Value col) const = 0;
  /// Start of the kernel's shared memory, an !llvm.ptr<3>.
  virtual mlir::Value sharedBase(mlir::OpBuilder &b, mlir::Location loc,
                                 mlir::Operation *at) const = 0;
  /// All threads of the workgroup meet; shared memory written before is visible
  /// after, also to the matrix unit.
  virtual void workgroupBarrier(mlir::OpBuilder &b,
                                mlir::Location loc) const = 0;
};

/// Fragments to vectors, pending fragments to theirs, shared tiles and pipes to
/// !llvm.ptr<3>, direct tensors to {ptr<1>, batch, head, row strides}.
class GpuTypeConverter : public mlir::LLVMTypeConverter {
public:
  GpuTypeConverter(mlir::MLIRContext *context, const GpuTarget &target);
  const GpuTarget &target;
};

/// A pattern that converts one op for `target`.
template <typename Op> struct GpuPattern : mlir::OpConversionPattern<Op> {
  GpuPattern(const GpuTypeConverter &converter, mlir::MLIRContext *context,
             mlir::PatternBenefit benefit = 1)
      : mlir::OpConversionPattern<Op>(converter, context, benefit),
        target(converter.target) {}
  mlir::Type convert(mlir::Type type) const {
    return this->getTypeConverter()->convertType(type);
  }
  const GpuTarget &target;
};

/// An op whose one operand, converted, is its result.
template <typename Op> struct PassOn : GpuPattern<Op> {
  using GpuPattern<Op>::GpuPattern;
  mlir::LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  mlir::ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getOperands());
    return mlir::success();
  }
};

/// fill, broadcast, rescale, spread, coord, reduce, combine, cast within a
/// layout and acc to lhs where their maps agree.
void populateFragmentPatterns(const GpuTypeConverter &converter,
                              mlir::RewritePatternSet &patterns);
void populateMapPatterns(const GpuTypeConverter &converter,
                         mlir::RewritePatternSet &patterns);
/// wait and anchor where products are not asynchronous.
void populateInOrderProductPatterns(const GpuTypeConverter &converter,
                                    mlir::RewritePatternSet &patterns);
/// alloc, slice, load, store, put, program_id, unit_id, barrier; wait and mma
/// are the target's.
void populateMemoryPatterns(const GpuTypeConverter &converter,
                            mlir::RewritePatternSet &patterns);
/// Cooperative pipes and copies into them; bulk ones are the target's.
void populatePipePatterns(const GpuTypeConverter &converter,
                          mlir::RewritePatternSet &patterns);

/// The shared tile at byte `offset` of the kernel's shared memory.
mlir::Value sharedAt(const GpuTarget &target, mlir::OpBuilder &b,
                     mlir::Location loc, mlir::Operation *at, int64_t offset);

/// Elements [first, first + count) of a vector, and a vector with `piece` in
/// place of those from `first`: shuffles, which lower directly.
mlir::Value vectorSlice(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Value vector, int64_t first, int64_t count);
mlir::Value vectorInsert(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value piece, mlir::Value into, int64_t first);

/// `use mod stages` and the address of that stage of a pipe's buffer.
mlir::Value pipeStage(mlir::OpBuilder &b, mlir::Location loc, mlir::Value use,
                      int64_t stages);
mlir::Value pipeSlot(const GpuTarget &target, mlir::OpBuilder &b,
                     mlir::Location loc, mlir::Value pipe, tile::PipeType type,
                     mlir::Value use);

/// The target's warps where the kernel's units are these (kWarpsAttr), or the
/// target as it is.
const TargetInfo &unitsOf(mlir::Operation *kernel, const TargetInfo &target);

} // namespace attn_jit

#endif
