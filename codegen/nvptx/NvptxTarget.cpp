// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fragment maps and thread identity on NVIDIA chips.
#include "codegen/nvptx/NvptxTarget.h"
#include "codegen/lower/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace attn_jit;

Operation *attn_jit::ptx(OpBuilder &b, Location loc, TypeRange results,
                         StringRef text, StringRef constraints,
                         ValueRange operands, bool memory) {
  MLIRContext *context = b.getContext();
  std::string all = constraints.str();
  if (memory)
    all += all.empty() ? "~{memory}" : ",~{memory}";
  SmallVector<Type> types;
  if (results.size() == 1)
    types.push_back(results.front());
  else if (results.size() > 1)
    types.push_back(
        LLVM::LLVMStructType::getLiteral(context, llvm::to_vector(results)));
  return LLVM::InlineAsmOp::create(
      b, loc, types, operands, text, all, /*has_side_effects=*/true,
      /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
      LLVM::AsmDialectAttr::get(context, LLVM::AsmDialect::AD_ATT),
      ArrayAttr());
}

Value attn_jit::intrinsic(OpBuilder &b, Location loc, Type result,
                          StringRef name, ValueRange operands) {
  auto call = result ? LLVM::CallIntrinsicOp::create(
                           b, loc, result, b.getStringAttr(name), operands)
                     : LLVM::CallIntrinsicOp::create(
                           b, loc, b.getStringAttr(name), operands);
  return result ? call.getResult(0) : Value();
}

Value attn_jit::held(OpBuilder &b, Location loc, Value value) {
  bool wide = value.getType().isInteger(64);
  return ptx(b, loc, value.getType(), "", wide ? "=l,0" : "=r,0", value)
      ->getResult(0);
}

SmallVector<Value> attn_jit::elements(OpBuilder &b, Location loc,
                                      Value vector) {
  SmallVector<Value> all;
  for (int64_t i = 0, e = cast<VectorType>(vector.getType()).getNumElements();
       i < e; ++i)
    all.push_back(vector::ExtractOp::create(b, loc, vector, i));
  return all;
}

/// PTX ISA, "D fragment of wgmma .m64nNk16": element r of a thread is in row
/// 16 warp + lane / 4 + 8 (r / 2 mod 2), column 8 (r / 4) + 2 (lane mod 4) + r
/// mod 2. The A fragment of 16-bit elements is the same with N = K, and so are
/// those of mma.m16n8k16, side by side. Tiles of a unit's rows follow each
/// other.
FragmentMap NvptxTarget::getFragmentMap(tile::FragType type) const {
  FragmentMap map;
  for (int64_t row = 0; row < type.getRows(); row += info.unitRows)
    map.rowSlots.append({row, row + 8});
  if (!type.isMatrix())
    return map;
  for (int64_t first = 0, e = map.rowSlots.size(); first < e; first += 2)
    for (int64_t r = 0, all = type.getCols() / 2; r < all; ++r) {
      int64_t slot = first + ((r >> 1) & 1);
      map.elements.push_back(
          {slot, map.rowSlots[slot], 8 * (r >> 2) + (r & 1)});
    }
  return map;
}

ArrayRef<int64_t> NvptxTarget::rowLanes() const {
  static const int64_t masks[] = {1, 2};
  return masks;
}

Value NvptxTarget::threadId(OpBuilder &b, Location loc) const {
  return NVVM::ThreadIdXOp::create(b, loc, b.getI32Type());
}

Value NvptxTarget::unitId(OpBuilder &b, Location loc) const {
  // The shuffle tells ptxas that the value is uniform over a warp.
  Value unit = arith::ShRUIOp::create(
      b, loc, threadId(b, loc),
      i32Constant(b, loc, llvm::Log2_64(info.unitThreads)));
  return NVVM::ShflOp::create(b, loc, b.getI32Type(), i32Constant(b, loc, -1),
                              unit, i32Constant(b, loc, 0),
                              i32Constant(b, loc, 31), NVVM::ShflKind::idx,
                              UnitAttr());
}

Value NvptxTarget::laneRow(OpBuilder &b, Location loc) const {
  Value thread = threadId(b, loc);
  Value group = arith::AndIOp::create(
      b, loc, arith::ShRUIOp::create(b, loc, thread, i32Constant(b, loc, 2)),
      i32Constant(b, loc, 7));
  int64_t warps = info.unitThreads / info.waveThreads;
  if (warps == 1)
    return group;
  Value warp = arith::AndIOp::create(
      b, loc, arith::ShRUIOp::create(b, loc, thread, i32Constant(b, loc, 5)),
      i32Constant(b, loc, warps - 1));
  return arith::AddIOp::create(
      b, loc, arith::MulIOp::create(b, loc, warp, i32Constant(b, loc, 16)),
      group);
}

Value NvptxTarget::laneCol(OpBuilder &b, Location loc) const {
  Value lane =
      arith::AndIOp::create(b, loc, threadId(b, loc), i32Constant(b, loc, 3));
  return arith::ShLIOp::create(b, loc, lane, i32Constant(b, loc, 1));
}

Value NvptxTarget::shuffleXor(OpBuilder &b, Location loc, Value value,
                              int64_t mask) const {
  return NVVM::ShflOp::create(b, loc, value.getType(), i32Constant(b, loc, -1),
                              value, i32Constant(b, loc, mask),
                              i32Constant(b, loc, 31), NVVM::ShflKind::bfly,
                              UnitAttr());
}

Value NvptxTarget::anyInWave(OpBuilder &b, Location loc,
                             Value condition) const {
  return intrinsic(b, loc, b.getI1Type(), "llvm.nvvm.vote.any.sync",
                   {i32Constant(b, loc, -1), condition});
}

Value NvptxTarget::programId(OpBuilder &b, Location loc, int64_t dim) const {
  if (dim == 0)
    return NVVM::BlockIdXOp::create(b, loc, b.getI32Type());
  if (dim == 1)
    return NVVM::BlockIdYOp::create(b, loc, b.getI32Type());
  return NVVM::BlockIdZOp::create(b, loc, b.getI32Type());
}

/// Panels of `swizzle` bytes of columns. Within a panel, 16-byte chunk c of row
/// r stands at chunk c ^ f(r): the address bits that a tensor copy's swizzle
/// XORs (PTX ISA, "swizzling modes"): 3 bits of the row for 128 bytes, 2 (of
/// row / 2) for 64, 1 (of row / 4) for 32.
Value NvptxTarget::sharedOffset(OpBuilder &b, Location loc,
                                tile::SharedType type, Value row,
                                Value col) const {
  int64_t bytes = type.getElementType().getIntOrFloatBitWidth() / 8;
  int64_t width = type.getSwizzle();
  auto mul = [&](Value x, int64_t by) -> Value {
    return arith::MulIOp::create(b, loc, x, i32Constant(b, loc, by));
  };
  auto add = [&](Value x, Value y) -> Value {
    return arith::AddIOp::create(b, loc, x, y);
  };
  Value colBytes = mul(col, bytes);
  if (width == 0)
    return add(mul(row, type.getCols() * bytes), colBytes);
  int64_t shift = width == 128 ? 0 : width == 64 ? 1 : 2;
  Value panel =
      arith::DivUIOp::create(b, loc, colBytes, i32Constant(b, loc, width));
  Value within =
      arith::AndIOp::create(b, loc, colBytes, i32Constant(b, loc, width - 1));
  Value phase = arith::AndIOp::create(
      b, loc, arith::ShRUIOp::create(b, loc, row, i32Constant(b, loc, shift)),
      i32Constant(b, loc, width / 16 - 1));
  Value swizzled = arith::XOrIOp::create(b, loc, within, mul(phase, 16));
  return add(add(mul(panel, type.getPanelRows() * width), mul(row, width)),
             swizzled);
}

Value NvptxTarget::sharedBase(OpBuilder &b, Location loc, Operation *) const {
  return LLVM::AddressOfOp::create(
      b, loc, LLVM::LLVMPointerType::get(b.getContext(), 3), kSharedSymbol);
}

void NvptxTarget::workgroupBarrier(OpBuilder &b, Location loc) const {
  // wgmma reads shared memory by another way than loads and stores.
  if (info.has(Capability::AsyncMatrixProduct))
    ptx(b, loc, {}, "fence.proxy.async.shared::cta;", "", {}, /*memory=*/true);
  intrinsic(b, loc, {}, "llvm.nvvm.barrier.cta.sync.aligned.all",
            i32Constant(b, loc, 0));
}

Value attn_jit::isUnitLeader(const GpuTarget &target, OpBuilder &b,
                             Location loc) {
  Value lane =
      arith::AndIOp::create(b, loc, target.threadId(b, loc),
                            i32Constant(b, loc, target.info.unitThreads - 1));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, lane,
                               i32Constant(b, loc, 0));
}
