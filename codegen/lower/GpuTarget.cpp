// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The types of a lowered kernel on a SIMT target.
#include "codegen/lower/GpuTarget.h"
#include "codegen/lower/Constants.h"
#include "codegen/lower/DirectTensor.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn_jit;

int64_t GpuTarget::workgroupThreads(Operation *op) const {
  auto kernel = op->getParentOfType<FunctionOpInterface>();
  return kernel->getAttrOfType<IntegerAttr>("units").getInt() *
         info.unitThreads;
}

int64_t attn_jit::sharedTileBytes(tile::SharedType type,
                                  const TargetInfo &info) {
  int64_t padding = type.getSwizzle() ? 0 : info.sharedRowPadding;
  return type.getBytes() + type.getRows() * padding;
}

Value GpuTarget::isRowLeader(OpBuilder &b, Location loc) const {
  Value zero = arith::ConstantIntOp::create(b, loc, 0, 32);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                               laneCol(b, loc), zero);
}

static LowerToLLVMOptions loweringOptions(MLIRContext *context) {
  LowerToLLVMOptions options(context);
  options.overrideIndexBitwidth(64);
  return options;
}

GpuTypeConverter::GpuTypeConverter(MLIRContext *context,
                                   const GpuTarget &target)
    : LLVMTypeConverter(context, loweringOptions(context)), target(target) {
  auto vectorOf = [this](tile::FragType type) -> Type {
    FragmentMap map = this->target.getFragmentMap(type);
    int64_t count = type.isMatrix() ? map.elements.size() : map.rowSlots.size();
    return VectorType::get(count, type.getElementType());
  };
  addConversion([=](tile::FragType type) { return vectorOf(type); });
  addConversion(
      [=](tile::PendingType type) { return vectorOf(type.getFrag()); });
  auto shared = [](MLIRContext *c) -> Type {
    return LLVM::LLVMPointerType::get(c, 3);
  };
  addConversion([=](tile::SharedType t) { return shared(t.getContext()); });
  addConversion([=](tile::PipeType t) { return shared(t.getContext()); });
  addConversion([=](tile::MailType t) { return shared(t.getContext()); });
  addConversion([](tile::GlobalType type) -> Type {
    MLIRContext *c = type.getContext();
    // A tensor map is reached through its address; a direct tensor is its base
    // and the strides of batch, head and row in elements.
    if (type.getAccess() == tile::Access::Bulk)
      return LLVM::LLVMPointerType::get(c);
    Type i64 = IntegerType::get(c, 64);
    return LLVM::LLVMStructType::getLiteral(
        c, {LLVM::LLVMPointerType::get(c, 1), i64, i64, i64});
  });
  addConversion([](tile::CounterType type) -> Type {
    return LLVM::LLVMPointerType::get(type.getContext(), 1);
  });
  // Types of scalars and vectors stay as they are: their own dialects lower
  // after the tile ops are gone.
  addConversion([](VectorType type) -> std::optional<Type> { return type; });
}

const TargetInfo &attn_jit::unitsOf(Operation *kernel,
                                    const TargetInfo &target) {
  return target.warps && kernel->hasAttr(kWarpsAttr) ? *target.warps : target;
}

int64_t attn_jit::alignmentOf(Operation *op) {
  auto kernel = op->getParentOfType<FunctionOpInterface>();
  auto align = kernel->getAttrOfType<IntegerAttr>(kAlignAttr);
  return align ? align.getInt() : 16;
}

Value attn_jit::sharedAt(const GpuTarget &target, OpBuilder &b, Location loc,
                         Operation *at, int64_t offset) {
  Value base = target.sharedBase(b, loc, at);
  if (offset == 0)
    return base;
  return LLVM::GEPOp::create(b, loc, base.getType(), b.getI8Type(), base,
                             ArrayRef<LLVM::GEPArg>{int32_t(offset)});
}

static int64_t sizeOf(Value vector) {
  return cast<VectorType>(vector.getType()).getNumElements();
}

Value attn_jit::vectorSlice(OpBuilder &b, Location loc, Value vector,
                            int64_t first, int64_t count) {
  auto lanes = llvm::to_vector(llvm::seq(first, first + count));
  return vector::ShuffleOp::create(b, loc, vector, vector, lanes);
}

Value attn_jit::vectorInsert(OpBuilder &b, Location loc, Value piece,
                             Value into, int64_t first) {
  int64_t total = sizeOf(into), count = sizeOf(piece);
  auto lanes = llvm::to_vector(llvm::seq<int64_t>(0, total));
  for (int64_t i = 0; i < count; ++i)
    lanes[first + i] = total + i;
  return vector::ShuffleOp::create(b, loc, into, piece, lanes);
}

Value attn_jit::pipeStage(OpBuilder &b, Location loc, Value use,
                          int64_t stages) {
  if (stages == 1)
    return i32Constant(b, loc, 0);
  if ((stages & (stages - 1)) == 0)
    return arith::AndIOp::create(b, loc, use, i32Constant(b, loc, stages - 1));
  return arith::RemUIOp::create(b, loc, use, i32Constant(b, loc, stages));
}

Value attn_jit::pipeSlot(const GpuTarget &target, OpBuilder &b, Location loc,
                         Value pipe, tile::PipeType type, Value use) {
  if (type.getStages() == 1)
    return pipe;
  Value stage = pipeStage(b, loc, use, type.getStages());
  Value bytes = i32Constant(b, loc, target.sharedBytes(type.getSlot()));
  Value offset = arith::MulIOp::create(b, loc, stage, bytes);
  return LLVM::GEPOp::create(b, loc, pipe.getType(), b.getI8Type(), pipe,
                             ArrayRef<LLVM::GEPArg>{offset});
}
