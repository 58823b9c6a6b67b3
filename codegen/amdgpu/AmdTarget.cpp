// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lane maps and shared memory of AmdTarget.h in IR. Layouts are those of
// the AMD matrix instruction calculator: of a result, lane l holds column l mod
// 16 and rows 4 * (l / 16) + r (MFMA) or 2 * r + l / 16 (WMMA on gfx11).
#include "codegen/amdgpu/AmdTarget.h"
#include "codegen/lower/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"

using namespace mlir;
using namespace attn_jit;

static Value shiftRight(OpBuilder &b, Location loc, Value value, int64_t by) {
  return arith::ShRUIOp::create(b, loc, value,
                                i32Constant(b, loc, llvm::Log2_64(by)));
}

static Value lowBits(OpBuilder &b, Location loc, Value value, int64_t below) {
  return arith::AndIOp::create(b, loc, value, i32Constant(b, loc, below - 1));
}

static Value times(OpBuilder &b, Location loc, Value value, int64_t factor) {
  return arith::MulIOp::create(b, loc, value, i32Constant(b, loc, factor));
}

std::string attn_jit::sharedGlobalName(StringRef kernel) {
  return (kernel + "_shared").str();
}

int64_t AmdTarget::dealFor(Operation *kernel) {
  int64_t deal = 4;
  auto narrow = [&](Type type) {
    if (auto pending = dyn_cast<tile::PendingType>(type))
      type = pending.getFrag();
    auto frag = dyn_cast<tile::FragType>(type);
    while (frag && frag.isMatrix() && frag.getCols() % (kEdge * deal) &&
           deal > 1)
      deal /= 2;
  };
  kernel->walk([&](Operation *op) {
    llvm::for_each(op->getResultTypes(), narrow);
    llvm::for_each(op->getOperandTypes(), narrow);
  });
  return deal;
}

//===-- fragments ---------------------------------------------------------===//

FragmentMap AmdTarget::getFragmentMap(tile::FragType type) const {
  FragmentMap map;
  for (int64_t row = 0; row < type.getRows(); row += kEdge)
    map.rowSlots.push_back(row);
  if (!type.isMatrix())
    return map;
  bool whole = type.getLayout() == tile::FragLayout::Lhs && !spreadsK();
  int64_t block = whole ? kEdge : blockCols(), held = whole ? kEdge : run();
  for (auto [slot, row] : llvm::enumerate(map.rowSlots))
    for (int64_t col = 0; col < type.getCols(); col += block)
      for (int64_t i = 0; i < held; ++i)
        map.elements.push_back({int64_t(slot), row, col + i});
  return map;
}

ArrayRef<int64_t> AmdTarget::rowLanes() const {
  static constexpr int64_t wide[] = {16, 32};
  return ArrayRef(wide).take_front(llvm::Log2_64(info.waveThreads / kEdge));
}

//===-- this thread -------------------------------------------------------===//

Value AmdTarget::threadId(OpBuilder &b, Location loc) const {
  auto range = LLVM::ConstantRangeAttr::get(b.getContext(), llvm::APInt(32, 0),
                                            llvm::APInt(32, 1024));
  return ROCDL::ThreadIdXOp::create(b, loc, b.getI32Type(), range);
}

Value AmdTarget::unitId(OpBuilder &b, Location loc) const {
  Value wave = shiftRight(b, loc, threadId(b, loc), info.unitThreads);
  return ROCDL::ReadfirstlaneOp::create(b, loc, b.getI32Type(), wave);
}

Value AmdTarget::laneRow(OpBuilder &b, Location loc) const {
  return lowBits(b, loc, threadId(b, loc), kEdge);
}

Value AmdTarget::laneGroup(OpBuilder &b, Location loc) const {
  Value row = shiftRight(b, loc, threadId(b, loc), kEdge);
  return lowBits(b, loc, row, info.waveThreads / kEdge);
}

Value AmdTarget::laneCol(OpBuilder &b, Location loc) const {
  return times(b, loc, laneGroup(b, loc), run());
}

Value AmdTarget::lhsLaneCol(OpBuilder &b, Location loc) const {
  return spreadsK() ? laneCol(b, loc) : i32Constant(b, loc, 0);
}

Value AmdTarget::operandRow(OpBuilder &b, Location loc) const {
  Value row = laneRow(b, loc);
  if (!spreadsK()) {
    // Result row 2r + h goes to lane half h as its r-th: make that column 8h +
    // r.
    Value half = times(b, loc, lowBits(b, loc, row, 2), laneResults());
    row = arith::AddIOp::create(b, loc, half, shiftRight(b, loc, row, 2));
  }
  return times(b, loc, row, deal);
}

Value AmdTarget::asOneRegister(OpBuilder &b, Location loc, Value value) const {
  return LLVM::InlineAsmOp::create(
             b, loc, value.getType(), value, "", "=v,0",
             /*has_side_effects=*/false, /*is_align_stack=*/false,
             LLVM::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
      .getResult(0);
}

Value AmdTarget::shuffleXor(OpBuilder &b, Location loc, Value value,
                            int64_t mask) const {
  Type type = value.getType(), i32 = b.getI32Type();
  Value bits = LLVM::BitcastOp::create(b, loc, i32, value);
  Value moved;
  if (info.waveThreads == 2 * kEdge) {
    // Each lane of a row takes the same lane of the other row.
    moved = ROCDL::PermlaneX16Op::create(
        b, loc, i32, bits, bits, i32Constant(b, loc, 0x76543210),
        i32Constant(b, loc, int32_t(0xfedcba98)), true, false);
  } else if (mask < 32) {
    // Bit-mask mode: lane' = lane ^ mask within 32 lanes.
    moved = ROCDL::DsSwizzleOp::create(
        b, loc, i32, bits, i32Constant(b, loc, (mask << 10) | 0x1f));
  } else {
    Value thread = lowBits(b, loc, threadId(b, loc), info.waveThreads);
    Value lane =
        arith::XOrIOp::create(b, loc, thread, i32Constant(b, loc, mask));
    moved =
        ROCDL::DsBpermuteOp::create(b, loc, i32, times(b, loc, lane, 4), bits);
  }
  return LLVM::BitcastOp::create(b, loc, type, moved);
}

Value AmdTarget::programId(OpBuilder &b, Location loc, int64_t dim) const {
  Type i32 = b.getI32Type();
  if (dim == 0)
    return ROCDL::BlockIdXOp::create(b, loc, i32);
  if (dim == 1)
    return ROCDL::BlockIdYOp::create(b, loc, i32);
  return ROCDL::BlockIdZOp::create(b, loc, i32);
}

//===-- shared memory -----------------------------------------------------===//

/// Lanes read rows that are `deal` apart. 16 bytes after every `deal` rows make
/// that distance an odd multiple of 16 bytes, so that eight lanes meet in no
/// bank.
int64_t AmdTarget::sharedRowOffset(tile::SharedType type, int64_t row) const {
  int64_t pitch =
      type.getCols() * type.getElementType().getIntOrFloatBitWidth() / 8;
  return row * pitch + row / deal * info.sharedRowPadding;
}

Value AmdTarget::sharedOffset(OpBuilder &b, Location loc, tile::SharedType type,
                              Value row, Value col) const {
  int64_t bytes = type.getElementType().getIntOrFloatBitWidth() / 8;
  Value offset = times(b, loc, row, type.getCols() * bytes);
  Value groups = shiftRight(b, loc, row, deal);
  offset = arith::AddIOp::create(b, loc, offset,
                                 times(b, loc, groups, info.sharedRowPadding));
  return arith::AddIOp::create(b, loc, offset, times(b, loc, col, bytes));
}

Value AmdTarget::sharedBase(OpBuilder &b, Location loc, Operation *at) const {
  auto kernel = at->getParentOfType<FunctionOpInterface>();
  auto type = LLVM::LLVMPointerType::get(
      b.getContext(), ROCDL::ROCDLDialect::kSharedMemoryAddressSpace);
  return LLVM::AddressOfOp::create(b, loc, type,
                                   sharedGlobalName(kernel.getName()));
}

/// The fences name shared memory alone: a full one would also wait for loads
/// from device memory, and empty caches on RDNA.
void AmdTarget::workgroupBarrier(OpBuilder &b, Location loc) const {
  Attribute local =
      LLVM::MMRATagAttr::get(b.getContext(), "amdgpu-synchronize-as", "local");
  auto fence = [&](LLVM::AtomicOrdering ordering) {
    auto op = LLVM::FenceOp::create(b, loc, ordering, "workgroup");
    op->setDiscardableAttr(LLVM::LLVMDialect::getMmraAttrName(), local);
  };
  fence(LLVM::AtomicOrdering::release);
  ROCDL::SBarrierOp::create(b, loc);
  fence(LLVM::AtomicOrdering::acquire);
}
