// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers and canonical forms of the attn ops.
#include "dialect/Elementwise.h"
#include "dialect/attn/Attn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace attn_jit::attn;

static RankedTensorType tensorOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

int64_t ForwardOp::getHeadDim() { return tensorOf(getQuery()).getDimSize(3); }
int64_t ForwardOp::getValueDim() { return tensorOf(getValue()).getDimSize(3); }
Type ForwardOp::getElementType() {
  return tensorOf(getQuery()).getElementType();
}
Layout ForwardOp::getLayout() {
  return cast<LayoutAttr>(tensorOf(getQuery()).getEncoding()).getValue();
}

attn_jit::ProblemShape attn_jit::attn::getProblemShape(ForwardOp op,
                                                       int64_t alignment,
                                                       CallClass calls) {
  return {op.getHeadDim(),
          op.getValueDim(),
          op.getElementType().getIntOrFloatBitWidth() / 8,
          !op.getMask().empty(),
          alignment,
          calls,
          op.getPrecision() == Precision::TF32};
}

//===-- verification ------------------------------------------------------===//

static LogicalResult verifyOperand(ForwardOp op, StringRef name, Type type) {
  auto tensor = cast<RankedTensorType>(type);
  if (tensor.getRank() != 4 ||
      !isa_and_nonnull<LayoutAttr>(tensor.getEncoding()))
    return op.emitOpError()
           << name << " is a rank-4 tensor with an #attn.layout, not " << type;
  if (tensor.isDynamicDim(3))
    return op.emitOpError() << name << " needs a static head dim";
  Type element = tensor.getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16() &&
      !element.isInteger(8) && !isa<Float8E4M3FNType, Float8E5M2Type>(element))
    return op.emitOpError() << name << " cannot have elements of " << element;
  return success();
}

LogicalResult ForwardOp::verify() {
  if (failed(verifyOperand(*this, "query", getQuery().getType())) ||
      failed(verifyOperand(*this, "key", getKey().getType())) ||
      failed(verifyOperand(*this, "value", getValue().getType())) ||
      failed(verifyOperand(*this, "result", getOut().getType())))
    return failure();
  RankedTensorType query = tensorOf(getQuery()), key = tensorOf(getKey()),
                   value = tensorOf(getValue()), out = tensorOf(getOut());
  // One layout and one element type, which are those of the query.
  for (auto [name, tensor] :
       {std::pair{"key", key}, {"value", value}, {"result", out}}) {
    if (tensor.getEncoding() != query.getEncoding())
      return emitOpError() << name << " is " << tensor.getEncoding()
                           << ", query is " << query.getEncoding();
    if (tensor.getElementType() != query.getElementType())
      return emitOpError() << name << " has elements of "
                           << tensor.getElementType() << ", query of "
                           << query.getElementType();
  }
  if (getPrecision() != Precision::IEEE && !query.getElementType().isF32())
    return emitOpError("precision is ")
           << stringifyPrecision(getPrecision()) << " with elements of "
           << query.getElementType() << ", which have "
           << stringifyPrecision(Precision::IEEE) << " alone";
  if (key.getDimSize(3) != query.getDimSize(3))
    return emitOpError("query has head dim ")
           << query.getDimSize(3) << ", key has " << key.getDimSize(3);
  if (out.getDimSize(3) != value.getDimSize(3))
    return emitOpError("value has head dim ")
           << value.getDimSize(3) << ", the result has " << out.getDimSize(3);
  unsigned heads = getLayout() == Layout::BSHD ? 2 : 1;
  int64_t queryHeads = query.getDimSize(heads),
          keyHeads = key.getDimSize(heads);
  if (!ShapedType::isDynamic(queryHeads) && !ShapedType::isDynamic(keyHeads) &&
      (keyHeads == 0 || queryHeads % keyHeads))
    return emitOpError("query has ")
           << queryHeads << " heads, not a multiple of the key's " << keyHeads;
  int64_t valueHeads = value.getDimSize(heads);
  if (!ShapedType::isDynamic(keyHeads) && !ShapedType::isDynamic(valueHeads) &&
      keyHeads != valueHeads)
    return emitOpError("key has ")
           << keyHeads << " heads, value has " << valueHeads;
  if (getLse()) {
    auto lse = tensorOf(getLse());
    if (lse.getRank() != 3 || !lse.getElementType().isF32())
      return emitOpError("lse is a rank-3 f32 tensor, not ") << lse;
  }
  return success();
}

static LogicalResult verifyRegion(ForwardOp op, Region &region, StringRef name,
                                  bool hasScore, Type result) {
  if (region.empty())
    return success();
  Builder builder(op.getContext());
  SmallVector<Type> expected(4, builder.getI32Type());
  if (hasScore)
    expected.insert(expected.begin(), builder.getF32Type());
  Block &block = region.front();
  if (block.getArgumentTypes() != TypeRange(expected))
    return op.emitOpError() << name << " region takes (" << expected
                            << "), not (" << block.getArgumentTypes() << ")";
  if (failed(attn_jit::verifyElementwise(block,
                                         ("the " + name + " region").str())))
    return failure();
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValue().getType() != result)
    return op.emitOpError() << name << " region must yield a " << result;
  return success();
}

LogicalResult ForwardOp::verifyRegions() {
  Builder builder(getContext());
  if (failed(
          verifyRegion(*this, getScore(), "score", true, builder.getF32Type())))
    return failure();
  return verifyRegion(*this, getMask(), "mask", false, builder.getI1Type());
}

//===-- canonical forms ---------------------------------------------------===//

namespace {
/// A score region that yields its score, and a mask that is always true, say
/// nothing.
struct DropTrivialRegion : OpRewritePattern<ForwardOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ForwardOp op,
                                PatternRewriter &rewriter) const override {
    auto yielded = [](Region &region) {
      return cast<YieldOp>(region.front().getTerminator()).getValue();
    };
    Region *trivial = nullptr;
    if (!op.getScore().empty() &&
        yielded(op.getScore()) == op.getScore().front().getArgument(0))
      trivial = &op.getScore();
    if (!op.getMask().empty() && matchPattern(yielded(op.getMask()), m_One()))
      trivial = &op.getMask();
    if (!trivial)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      trivial->dropAllReferences();
      trivial->getBlocks().clear();
    });
    return success();
  }
};

/// `kv <= q` is written `q >= kv`: one spelling of a mask, one kernel.
struct QueryFirstCompare : OpRewritePattern<ForwardOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ForwardOp op,
                                PatternRewriter &rewriter) const override {
    if (op.getMask().empty())
      return failure();
    Block &block = op.getMask().front();
    for (auto compare : block.getOps<arith::CmpIOp>()) {
      // A constant stays on the right, where arith's own canonical form has it;
      // the two would swap it forever.
      if (compare.getLhs() != block.getArgument(3) ||
          compare.getRhs() == block.getArgument(3) ||
          matchPattern(compare.getRhs(), m_Constant()))
        continue;
      using P = arith::CmpIPredicate;
      static constexpr std::pair<P, P> kMirror[] = {{P::sle, P::sge},
                                                    {P::slt, P::sgt},
                                                    {P::sge, P::sle},
                                                    {P::sgt, P::slt}};
      for (auto [from, to] : kMirror)
        if (compare.getPredicate() == from) {
          rewriter.modifyOpInPlace(compare, [&] {
            compare.setPredicate(to);
            Value kv = compare.getLhs();
            compare.getLhsMutable().assign(compare.getRhs());
            compare.getRhsMutable().assign(kv);
          });
          return success();
        }
    }
    return failure();
  }
};
} // namespace

void ForwardOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<DropTrivialRegion, QueryFirstCompare>(context);
}

#define GET_OP_CLASSES
#include "dialect/attn/AttnOps.cpp.inc"
