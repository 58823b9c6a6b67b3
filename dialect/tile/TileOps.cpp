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

//===-- fragments ---------------------------------------------------------===//

LogicalResult FillOp::verify() {
  if (getValue().getType() != getType().getElementType())
    return emitOpError("fills ")
           << getType() << " with a " << getValue().getType();
  return success();
}

LogicalResult CoordOp::verify() {
  bool numbersRows = getDim() == 0 && getType().getLayout() == FragLayout::Row;
  if (!getType().getElementType().isInteger(32) ||
      (getType().getLayout() != FragLayout::Acc && !numbersRows))
    return emitOpError("coordinates are an i32 acc matrix, or a row fragment "
                       "of row numbers, not ")
           << getType();
  return success();
}

LogicalResult BroadcastOp::verify() {
  FragType from = getValue().getType(), to = getType();
  if (from.getLayout() != FragLayout::Row || !to.isMatrix() ||
      from.getRows() != to.getRows() ||
      from.getElementType() != to.getElementType())
    return emitOpError("spreads a row fragment over its columns; ")
           << from << " does not fit " << to;
  return success();
}

LogicalResult SpreadOp::verify() {
  FragType from = getValue().getType();
  if (from.getLayout() != FragLayout::Row ||
      getType() != from.rowsOf(FragLayout::Partial))
    return emitOpError("spreads a row fragment over its lanes, not ")
           << from << " to " << getType();
  return success();
}

LogicalResult MapOp::verify() {
  Block &body = getBody().front();
  if (body.getNumArguments() != getInputs().size())
    return emitOpError("has ") << getInputs().size() << " inputs and a body of "
                               << body.getNumArguments() << " arguments";
  for (auto [input, arg] : llvm::zip(getInputs(), body.getArguments())) {
    auto type = cast<FragType>(input.getType());
    if (type.withElement(getType().getElementType()) != getType())
      return emitOpError("input ")
             << type << " has not the shape and layout of " << getType();
    if (arg.getType() != type.getElementType())
      return emitOpError("body takes ")
             << arg.getType() << " for elements of " << type;
  }
  if (failed(attn_jit::verifyElementwise(body, "tile.map")))
    return failure();
  auto yield = cast<YieldOp>(body.getTerminator());
  if (!yield.getValue() ||
      yield.getValue().getType() != getType().getElementType())
    return emitOpError("body must yield a ") << getType().getElementType();
  return success();
}

namespace {
/// An input whose elements the body does not read is not an input.
struct DropUnusedMapInput : OpRewritePattern<MapOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MapOp op,
                                PatternRewriter &rewriter) const override {
    Block &body = op.getBody().front();
    for (BlockArgument arg : body.getArguments()) {
      if (!arg.use_empty())
        continue;
      unsigned index = arg.getArgNumber();
      rewriter.modifyOpInPlace(op, [&] {
        body.eraseArgument(index);
        op.getInputsMutable().erase(index);
      });
      return success();
    }
    return failure();
  }
};
} // namespace

void MapOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  patterns.add<DropUnusedMapInput>(context);
}

static LogicalResult verifyF32(Operation *op, FragType type) {
  if (!type.getElementType().isF32())
    return op->emitOpError("elements of ")
           << type.getElementType() << " given, allowed: f32";
  return success();
}

LogicalResult RescaleOp::verify() {
  FragType from = getValue().getType();
  if (!from.isMatrix() || getFactor().getType() != from.rowsOf(FragLayout::Row))
    return emitOpError(
               "multiplies the rows of a matrix by a row fragment, not ")
           << from << " by " << getFactor().getType();
  return verifyF32(*this, from);
}

LogicalResult AnchorOp::verify() {
  FragType from = getValue().getType();
  if (from.isMatrix())
    return emitOpError("is computed from a row or partial fragment, not ")
           << from;
  return verifyF32(*this, from);
}

LogicalResult ReduceOp::verify() {
  FragType from = getValue().getType();
  if (from.getLayout() != FragLayout::Acc ||
      getType() != from.rowsOf(FragLayout::Partial))
    return emitOpError("reduces an acc fragment to a partial of its rows, not ")
           << from << " to " << getType();
  return verifyF32(*this, from);
}

LogicalResult CombineOp::verify() {
  FragType from = getValue().getType();
  if (from.getLayout() != FragLayout::Partial ||
      getType() != from.rowsOf(FragLayout::Row))
    return emitOpError("combines a partial to a row, not ")
           << from << " to " << getType();
  return verifyF32(*this, from);
}

LogicalResult CastOp::verify() {
  FragType from = getValue().getType(), to = getType();
  if (from.getShape() != to.getShape())
    return emitOpError("keeps the shape of ") << from;
  for (Type element : {from.getElementType(), to.getElementType()})
    if (!element.isF32() && !element.isF16() && !element.isBF16())
      return emitOpError("elements of ")
             << element << " given, allowed: f32, f16, bf16";
  if (from.getLayout() != to.getLayout() &&
      !(from.getLayout() == FragLayout::Acc &&
        to.getLayout() == FragLayout::Lhs))
    return emitOpError("the only change of layout is acc to lhs, not ")
           << stringifyFragLayout(from.getLayout()) << " to "
           << stringifyFragLayout(to.getLayout());
  return success();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  return getValue().getType() == getType() ? getValue() : OpFoldResult();
}

void YieldOp::build(OpBuilder &, OperationState &) {}

#define GET_OP_CLASSES
#include "dialect/tile/TileOps.cpp.inc"
