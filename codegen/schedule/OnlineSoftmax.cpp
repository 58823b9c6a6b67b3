// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One step of online softmax (Milakov and Gimelshein, 2018) on fragments, in
// base 2: exp(scale s - m) is one multiply-add and one exp2. The row sum stays
// one partial per lane until the epilogue.
#include "codegen/lower/Constants.h"
#include "codegen/schedule/ForwardBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include <limits>

using namespace mlir;
using namespace attn_jit;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static Value scalar(OpBuilder &b, Location loc, double value) {
  return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
}

static Value compare(OpBuilder &b, Location loc, arith::CmpFPredicate predicate,
                     Value x, Value y) {
  return arith::CmpFOp::create(b, loc, predicate, x, y);
}

SoftmaxState ForwardBuilder::initialState(int64_t rows) {
  return {tile::FillOp::create(b, loc, rowType(rows, tile::FragLayout::Row),
                               f32(-kInfinity)),
          tile::FillOp::create(b, loc, rowType(rows, tile::FragLayout::Partial),
                               f32(0))};
}

Value ForwardBuilder::initialOutput(int64_t rows) {
  return tile::FillOp::create(b, loc, acc(rows, valueCols), f32(0));
}

Value ForwardBuilder::inlineRegion(Region &region, OpBuilder &at,
                                   ValueRange arguments) {
  IRMapping mapping = captured;
  mapping.map(region.front().getArguments(), arguments);
  for (Operation &op : region.front().without_terminator())
    at.clone(op, mapping);
  return mapping.lookup(
      cast<attn::YieldOp>(region.front().getTerminator()).getValue());
}

SmallVector<Value> ForwardBuilder::withPlaces(Value scores, Value row,
                                              Value key) {
  tile::FragType index =
      cast<tile::FragType>(scores.getType()).withElement(b.getI32Type());
  auto keys = [&] { return tile::CoordOp::create(b, loc, index, key, 1); };
  if (packing) {
    auto [heads, rows] = packedRows(row, index.getRows(), place.head, position);
    return {scores, broadcast(rows, index), keys(), broadcast(heads, index)};
  }
  Value q = tile::CoordOp::create(b, loc, index, add(row, position), 0);
  return {scores, q, keys()};
}

SmallVector<Value> ForwardBuilder::placeOf(ValueRange element) {
  return {place.batch, packing ? element[3] : place.head, element[1],
          element[2]};
}

/// The score region on scaled scores, in base 2; raw scores without a region.
Value ForwardBuilder::scored(Value scores, Value row, Value key) {
  if (forward.getScore().empty())
    return scores;
  auto body = [&](OpBuilder &at, ValueRange x) -> Value {
    SmallVector<Value> arguments = placeOf(x);
    Value scaled = arith::MulFOp::create(at, loc, x[0], scale);
    arguments.insert(arguments.begin(), scaled);
    Value result = inlineRegion(forward.getScore(), at, arguments);
    return arith::MulFOp::create(at, loc, result, scalar(at, loc, kLog2E));
  };
  return map(withPlaces(scores, row, key),
             cast<tile::FragType>(scores.getType()), body,
             attn::comparesCannotWrap(forward.getScore()));
}

/// Keys that the mask hides, and keys past the end, score minus infinity. A
/// mask of linear bounds is one comparison with a limit that depends on the row
/// alone.
Value ForwardBuilder::maskedOut(Value scores, Value row, Value key) {
  SmallVector<Value> elements = withPlaces(scores, row, key);
  Value end = sub(kvLen, i32(1));
  bool noWrap = mask.exact || attn::comparesCannotWrap(forward.getMask());
  auto body = [&](OpBuilder &at, ValueRange x) -> Value {
    auto limitOf = [&](unsigned i) -> Value {
      Value slope =
          arith::ConstantIntOp::create(at, loc, mask.bounds[i].slope, 32);
      Value limit = arith::MulIOp::create(at, loc, x[1], slope);
      return arith::AddIOp::create(at, loc, limit, offsets[i]);
    };
    auto compared = [&](arith::CmpIPredicate predicate, Value limit) -> Value {
      return arith::CmpIOp::create(at, loc, predicate, x[2], limit);
    };
    Value upper = end, lower;
    if (mask.exact) {
      for (unsigned i = 0; i < mask.bounds.size(); ++i) {
        Value limit = limitOf(i);
        if (mask.bounds[i].upper)
          upper = arith::MinSIOp::create(at, loc, upper, limit);
        else
          lower =
              lower ? arith::MaxSIOp::create(at, loc, lower, limit).getResult()
                    : limit;
      }
    }
    Value seen = compared(arith::CmpIPredicate::sle, upper);
    auto also = [&](Value more) {
      seen = arith::AndIOp::create(at, loc, seen, more);
    };
    if (lower)
      also(compared(arith::CmpIPredicate::sge, lower));
    if (!mask.exact)
      also(inlineRegion(forward.getMask(), at, placeOf(x)));
    return arith::SelectOp::create(at, loc, seen, x[0],
                                   scalar(at, loc, -kInfinity));
  };
  return map(elements, cast<tile::FragType>(scores.getType()), body, noWrap);
}

SoftmaxStep
ForwardBuilder::softmax(Value scores, SoftmaxState state, Value row, Value key,
                        Masking masking,
                        llvm::function_ref<void(Value)> beforeExponentials) {
  auto type = cast<tile::FragType>(scores.getType());
  tile::FragType rowFrag = rowType(type.getRows(), tile::FragLayout::Row);
  tile::FragType partial = rowType(type.getRows(), tile::FragLayout::Partial);
  scores = scored(scores, row, key);
  if (masking.condition) {
    auto hides = scf::IfOp::create(b, loc, type, masking.condition,
                                   /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(hides.thenBlock());
    scf::YieldOp::create(b, loc, maskedOut(scores, row, key));
    b.setInsertionPointToStart(hides.elseBlock());
    scf::YieldOp::create(b, loc, scores);
    scores = hides.getResult(0);
  } else if (masking.any) {
    scores = maskedOut(scores, row, key);
  }
  Value factor = scaleLog2e ? scaleLog2e : Value();

  Value reduced =
      tile::ReduceOp::create(b, loc, partial, tile::ReduceKind::Max, scores);
  Value tileMax =
      tile::CombineOp::create(b, loc, rowFrag, tile::ReduceKind::Max, reduced);
  Value newMax = map({state.max, tileMax}, rowFrag,
                     [&](OpBuilder &at, ValueRange x) -> Value {
                       return arith::MaxNumFOp::create(at, loc, x[0], x[1]);
                     });
  // In f32 all factors of a row are powers of one rounded number: a maximum
  // that stays then rescales by exactly 1, where one multiply-add, which rounds
  // once, would drift by 2^-23 a step. (Adding +0 keeps LLVM from making that
  // of it.)
  bool exact = element.isF32();
  auto scaledMax = [&](OpBuilder &at, Value x) -> Value {
    if (!factor)
      return x;
    if (exact)
      return math::FmaOp::create(at, loc, x, factor, scalar(at, loc, 0));
    return arith::MulFOp::create(at, loc, x, factor);
  };
  // What each exponent is shifted by: a finite number where a row has seen no
  // key yet, as minus infinity less itself would be NaN.
  Value shift = map(newMax, rowFrag, [&](OpBuilder &at, ValueRange x) -> Value {
    Value negated = arith::NegFOp::create(at, loc, scaledMax(at, x[0]));
    if (!masking.any && forward.getScore().empty())
      return negated; // every score is finite
    return arith::MinNumFOp::create(
        at, loc, negated, scalar(at, loc, std::numeric_limits<float>::max()));
  });
  auto exponential = [&](OpBuilder &at, ValueRange x) -> Value {
    Value exponent =
        factor ? math::FmaOp::create(at, loc, x[0], factor, x[1]).getResult()
               : arith::AddFOp::create(at, loc, x[0], x[1]).getResult();
    return math::Exp2Op::create(at, loc, exponent);
  };
  if (beforeExponentials)
    beforeExponentials(newMax);
  SoftmaxStep step;
  auto rescaling = [&](OpBuilder &at, ValueRange x) -> Value {
    Value exponent = arith::AddFOp::create(at, loc, scaledMax(at, x[0]), x[1]);
    return math::Exp2Op::create(at, loc, exponent);
  };
  if (exact)
    step.rescale = map({state.max, shift}, rowFrag, rescaling);
  else
    step.rescale = map({state.max, shift}, rowFrag, exponential);
  if (rescalesWhereMoved) // exactly 1 elsewhere, for output and sum alike
    step.rescale =
        map({state.max, newMax, step.rescale}, rowFrag,
            [&](OpBuilder &at, ValueRange x) -> Value {
              Value stays =
                  compare(at, loc, arith::CmpFPredicate::OEQ, x[0], x[1]);
              return arith::SelectOp::create(at, loc, stays, scalar(at, loc, 1),
                                             x[2]);
            });
  step.probabilities = map({scores, broadcast(shift, type)}, type, exponential);
  Value sums = tile::ReduceOp::create(b, loc, partial, tile::ReduceKind::Add,
                                      step.probabilities);
  Value spread = tile::SpreadOp::create(b, loc, partial, step.rescale);
  Value newSum = map({state.sum, spread, sums}, partial,
                     [&](OpBuilder &at, ValueRange x) -> Value {
                       return math::FmaOp::create(at, loc, x[0], x[1], x[2]);
                     });
  step.state = {newMax, newSum};
  return step;
}

Value ForwardBuilder::rescaled(Value output, Value factor) {
  if (rescalesWhereMoved)
    return tile::RescaleOp::create(b, loc, output.getType(), output, factor);
  return multiplied(output, factor);
}

Value ForwardBuilder::multiplied(Value output, Value factor) {
  auto type = cast<tile::FragType>(output.getType());
  return map({output, broadcast(factor, type)}, type,
             [&](OpBuilder &at, ValueRange x) -> Value {
               return arith::MulFOp::create(at, loc, x[0], x[1]);
             });
}

Value ForwardBuilder::asLhs(Value probabilities) {
  auto from = cast<tile::FragType>(probabilities.getType());
  auto to = tile::FragType::get(b.getContext(), from.getShape(), computeElement,
                                tile::FragLayout::Lhs);
  return tile::CastOp::create(b, loc, to, probabilities);
}

void ForwardBuilder::storeOutput(Value output, Value partial,
                                 const TilePlace &where) {
  auto type = cast<tile::FragType>(output.getType());
  tile::FragType rowFrag = rowType(type.getRows(), tile::FragLayout::Row);
  Value sum =
      tile::CombineOp::create(b, loc, rowFrag, tile::ReduceKind::Add, partial);
  // A row without a key has sum 0 and gives zeros; a NaN sum stays NaN.
  Value inverse = map(sum, rowFrag, [&](OpBuilder &at, ValueRange x) -> Value {
    Value zero = scalar(at, loc, 0);
    Value none = compare(at, loc, arith::CmpFPredicate::OEQ, x[0], zero);
    Value divided = arith::DivFOp::create(at, loc, scalar(at, loc, 1), x[0]);
    return arith::SelectOp::create(at, loc, none, zero, divided);
  });
  Value result = multiplied(output, inverse);
  Value stored =
      tile::CastOp::create(b, loc, type.withElement(element), result);
  storeRows(stored, out, where);
}

void ForwardBuilder::storeRows(Value value, Value target,
                               const TilePlace &where) {
  PackedRows packed;
  Value head = where.head, row = where.row;
  if (packing) {
    Value zero = i32(0);
    int64_t rows = cast<tile::FragType>(value.getType()).getRows();
    packed = packedRows(row, rows, zero, zero);
    row = zero;
  }
  tile::StoreOp::create(b, loc, value, target, where.batch, head, row, qLen,
                        packed.heads, packed.rows);
}

void ForwardBuilder::storeLogSumExp(SoftmaxState state,
                                    const TilePlace &where) {
  if (!lse)
    return;
  auto rowFrag = cast<tile::FragType>(state.max.getType());
  Value sum = tile::CombineOp::create(b, loc, rowFrag, tile::ReduceKind::Add,
                                      state.sum);
  Value total =
      map({state.max, sum}, rowFrag, [&](OpBuilder &at, ValueRange x) -> Value {
        Value log = math::Log2Op::create(at, loc, x[1]);
        Value most = x[0];
        if (scaleLog2e)
          most = arith::MulFOp::create(at, loc, most, scaleLog2e);
        Value base2 = arith::AddFOp::create(at, loc, most, log);
        return arith::MulFOp::create(at, loc, base2, scalar(at, loc, kLn2));
      });
  storeRows(total, lse, where);
}
