// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of the ops on fragments (TileFragments.td), and what of them folds.
#include "dialect/Elementwise.h"
#include "dialect/tile/Tile.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace attn_jit::tile;

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
