// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of the tile ops: what no target can run is refused here, with the
// reason; what one target cannot, before its lowering (codegen/lower/Legality).
#include "dialect/Elementwise.h"
#include "dialect/tile/Tile.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn_jit::tile;

//===-- shared memory and data movement -----------------------------------===//

LogicalResult AllocOp::verify() {
  if (getType().getPanelRows() != getType().getRows())
    return emitOpError("of ")
           << getType().getRows() << " rows has panels of as many rows, not "
           << getType().getPanelRows();
  return success();
}

LogicalResult SliceOp::verify() {
  SharedType from = getSource().getType(), to = getType();
  if (to.getElementType() != from.getElementType() ||
      to.getCols() != from.getCols() || to.getSwizzle() != from.getSwizzle() ||
      to.getPanelRows() != from.getPanelRows() ||
      to.getRows() > from.getRows() || to.getRows() % 8)
    return emitOpError("a slice takes rows, by eights, and keeps columns, "
                       "elements, swizzle and panel of ")
           << from;
  APInt row;
  if (!matchPattern(getRow(), m_ConstantInt(&row)))
    return success();
  int64_t first = row.getSExtValue(), most = from.getRows() - to.getRows();
  if (first < 0 || first > most || first % 8)
    return emitOpError("row: ")
           << first << " given, allowed: multiples of 8 up to " << most;
  return success();
}

LogicalResult PipeWaitOp::verify() {
  if (getType() != getPipe().getType().getSlot())
    return emitOpError("gives the pipe's stage, ")
           << getPipe().getType().getSlot() << ", not " << getType();
  return success();
}

LogicalResult CopyOp::verify() {
  GlobalType from = getSource().getType();
  SharedType to = getPipe().getType().getSlot();
  bool bulkPipe = getPipe().getType().getTransport() == Transport::Bulk;
  if (from.getCols() > to.getCols())
    return emitOpError("copies rows of ")
           << from.getCols() << " columns into rows of " << to.getCols();
  if ((from.getAccess() == Access::Bulk) != bulkPipe)
    return emitOpError("a bulk pipe is filled from a bulk tensor, a "
                       "cooperative one from a direct tensor");
  if (from.getElementType() != to.getElementType() &&
      (bulkPipe || !to.getElementType().isF32()))
    return emitOpError("cannot convert ")
           << from.getElementType() << " to " << to.getElementType();
  int64_t heads = getHeadsAttr().getInt();
  if (heads < 1 || (heads > 1 && !bulkPipe) || to.getRows() % heads)
    return emitOpError("heads: ")
           << heads << " given, allowed: "
           << (bulkPipe ? "divisors of the slot's " +
                              std::to_string(to.getRows()) + " rows"
                        : "1 in a cooperative pipe");
  return success();
}

/// A direct access whose columns fit the fragment.
static LogicalResult verifyDirect(Operation *op, GlobalType global,
                                  FragType frag) {
  if (global.getAccess() != Access::Direct)
    return op->emitOpError("reaches a tensor directly, not in bulk");
  bool fits = isa<StoreOp>(op) ? global.getCols() <= frag.getCols()
                               : global.getCols() == frag.getCols();
  if (!fits)
    return op->emitOpError("rows of ")
           << global.getCols() << " columns against a fragment of "
           << frag.getCols();
  bool widens = isa<LoadOp>(op) && frag.getElementType().isF32();
  if (global.getElementType() != frag.getElementType() && !widens)
    return op->emitOpError("elements of ")
           << global.getElementType() << " against a fragment of "
           << frag.getElementType();
  return success();
}

LogicalResult LoadOp::verify() {
  if (getType().getLayout() != FragLayout::Lhs)
    return emitOpError("loads a left operand; others come through a pipe");
  return verifyDirect(*this, getSource().getType(), getType());
}

LogicalResult StoreOp::verify() {
  FragLayout layout = getValue().getType().getLayout();
  if (layout != FragLayout::Acc && layout != FragLayout::Row)
    return emitOpError("stores an acc or row fragment, not ")
           << stringifyFragLayout(layout);
  FragType places = getValue()
                        .getType()
                        .rowsOf(FragLayout::Row)
                        .withElement(IntegerType::get(getContext(), 32));
  for (Value each : {getHeads(), getRows()}) {
    if (bool(each) != bool(getRows()))
      return emitOpError("plus: heads and rows, or neither");
    if (each && each.getType() != places)
      return emitOpError("plus: ")
             << each.getType() << " given, allowed: " << places;
  }
  return verifyDirect(*this, getTarget().getType(), getValue().getType());
}

LogicalResult PutOp::verify() {
  FragType from = getValue().getType();
  SharedType to = getTarget().getType();
  if (!from.isMatrix() || from.getRows() != to.getRows() ||
      from.getCols() != to.getCols() ||
      from.getElementType() != to.getElementType())
    return emitOpError("puts ")
           << from << " into a tile of another shape, " << to;
  return success();
}

static LogicalResult verifyNumbers(Operation *op, MailType mail, size_t count) {
  if (count == size_t(mail.getValues()))
    return success();
  return op->emitOpError("has ")
         << count << " numbers, " << mail << " holds " << mail.getValues();
}

LogicalResult MailPostOp::verify() {
  return verifyNumbers(*this, getMail().getType(), getValues().size());
}

LogicalResult MailTakeOp::verify() {
  return verifyNumbers(*this, getMail().getType(), getValues().size());
}

//===-- matrix products ---------------------------------------------------===//

LogicalResult MmaOp::verify() {
  int64_t m, k;
  Type element;
  if (auto frag = dyn_cast<FragType>(getLhs().getType())) {
    if (frag.getLayout() != FragLayout::Lhs)
      return emitOpError("the left operand has layout lhs, not ")
             << stringifyFragLayout(frag.getLayout());
    m = frag.getRows(), k = frag.getCols(), element = frag.getElementType();
  } else {
    auto shared = cast<SharedType>(getLhs().getType());
    m = shared.getRows(), k = shared.getCols(),
    element = shared.getElementType();
  }
  SharedType rhs = getRhs().getType();
  int64_t rhsK = getTransposeRhs() ? rhs.getCols() : rhs.getRows();
  int64_t n = getTransposeRhs() ? rhs.getRows() : rhs.getCols();
  FragType result = getType().getFrag();
  if (k != rhsK)
    return emitOpError("contracts ") << k << " columns with " << rhsK;
  if (result.getLayout() != FragLayout::Acc || result.getRows() != m ||
      result.getCols() != n)
    return emitOpError("gives an acc fragment of ")
           << m << "x" << n << ", not " << result;
  if (element != rhs.getElementType())
    return emitOpError("multiplies ")
           << element << " by " << rhs.getElementType();
  if (getTf32() && !element.isF32())
    return emitOpError("rounds to TF32 what is f32, not ") << element;
  if (getWhen() && !getAcc())
    return emitOpError("has no accumulator that could count when it is told");
  if (getAcc() && getAcc().getType() != result)
    return emitOpError("accumulates ")
           << getAcc().getType() << " into " << result;
  return success();
}

LogicalResult WaitOp::verify() {
  if (getPending().getType().getFrag() != getType())
    return emitOpError("gives the awaited fragment, ")
           << getPending().getType().getFrag();
  // The accessor is unsigned.
  int64_t inFlight = getInFlightAttr().getInt();
  if (inFlight < 0)
    return emitOpError("in_flight is at least 0, not ") << inFlight;
  return success();
}

void YieldOp::build(OpBuilder &, OperationState &) {}

#define GET_OP_CLASSES
#include "dialect/tile/TileOps.cpp.inc"
