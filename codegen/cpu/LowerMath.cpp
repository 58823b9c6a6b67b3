// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementwise arithmetic on held vectors: exp2 and log2 as polynomials, so that
// no image needs a math library, and each other scalar op on its vector form.
// An op of a 16-bit type computes in f32 and rounds, which is exact for + - * /
// fma-free chains (24 >= 2 * 11 + 2 bits).
#include "codegen/cpu/HostBuilder.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn_jit::cpu;

static Value horner(HostBuilder &b, Value x, ArrayRef<double> coefficients) {
  int64_t width = widthOf(x.getType());
  Value sum = b.floats(coefficients.back(), width);
  for (double next : llvm::reverse(coefficients.drop_back()))
    sum = b.fma(sum, x, b.floats(next, width));
  return sum;
}

Value attn_jit::cpu::buildExp2(HostBuilder &b, Value x) {
  int64_t width = widthOf(x.getType());
  Type words = widened(b.getI32Type(), width);
  // 2^x = 2^n 2^f, n = round(x), f in [-1/2, 1/2]. The bounds come first in max
  // and min, which give their second operand on NaN. At -127 the scale is 0, at
  // 128 it is infinity.
  x = b.fmax(b.floats(-127.0, width), x);
  x = b.fmin(b.floats(128.0, width), x);
  // Adding 1.5 * 2^23 rounds x to an integer and leaves it in the low bits.
  Value magic = b.floats(12582912.0, width);
  Value shifted = arith::AddFOp::create(b, x, magic);
  Value f = arith::SubFOp::create(
      b, x, arith::SubFOp::create(b, shifted, magic).getResult());
  // (2^f - 1) / f: minimax over the interval, relative error of 2^f below 2e-9.
  static constexpr double kCoefficients[] = {
      0.6931471824645996,  0.24022647738456726,   0.055503323674201965,
      0.00961843691766262, 0.0013398875016719103, 0.00015353361959569156};
  Value power = b.fma(horner(b, f, kCoefficients), f, b.floats(1.0, width));
  Value bits = arith::BitcastOp::create(b, words, shifted);
  bits = arith::ShLIOp::create(b, bits, b.ints(23, width));
  bits = arith::AddIOp::create(b, bits, b.ints(0x3f800000, width));
  Value scale = arith::BitcastOp::create(b, x.getType(), bits);
  return arith::MulFOp::create(b, power, scale);
}

Value attn_jit::cpu::buildLog2(HostBuilder &b, Value x) {
  using arith::CmpFPredicate;
  int64_t width = widthOf(x.getType());
  Type words = widened(b.getI32Type(), width);
  Type type = x.getType();
  auto is = [&](CmpFPredicate predicate, double bound) -> Value {
    return arith::CmpFOp::create(b, predicate, x, b.floats(bound, width));
  };
  auto pick = [&](Value condition, Value yes, Value no) -> Value {
    return arith::SelectOp::create(b, condition, yes, no);
  };
  // Subnormals gain 23 bits first.
  Value tiny = is(CmpFPredicate::OLT, 0x1p-126);
  Value normal =
      pick(tiny,
           arith::MulFOp::create(b, x, b.floats(0x1p23, width)).getResult(), x);
  Value bits = arith::BitcastOp::create(b, words, normal);
  // x = 2^e m with m in [sqrt 1/2, sqrt 2): subtract the bits of sqrt 1/2, and
  // the exponent of what is left is e.
  Value over = arith::SubIOp::create(b, bits, b.ints(0x3f3504f3, width));
  Value exponent = arith::ShRSIOp::create(b, over, b.ints(23, width));
  Value mantissa = arith::SubIOp::create(
      b, bits,
      arith::ShLIOp::create(b, exponent, b.ints(23, width)).getResult());
  Value m = arith::BitcastOp::create(b, type, mantissa);
  Value e = arith::SIToFPOp::create(b, type, exponent);
  e = arith::SubFOp::create(
      b, e, pick(tiny, b.floats(23.0, width), b.floats(0.0, width)));
  // log2 m = 2 / ln 2 * atanh(s), s = (m - 1) / (m + 1); odd in s.
  Value one = b.floats(1.0, width);
  Value s =
      arith::DivFOp::create(b, arith::SubFOp::create(b, m, one).getResult(),
                            arith::AddFOp::create(b, m, one).getResult());
  Value square = arith::MulFOp::create(b, s, s);
  static constexpr double kCoefficients[] = {
      2.885390043258667, 0.9617988467216492, 0.5767143368721008,
      0.43173661828041077};
  Value result = b.fma(horner(b, square, kCoefficients), s, e);
  double infinity = std::numeric_limits<double>::infinity();
  result =
      pick(is(CmpFPredicate::OEQ, 0.0), b.floats(-infinity, width), result);
  result = pick(is(CmpFPredicate::OEQ, infinity), x, result);
  // Below zero and NaN.
  Value nan = b.floats(std::numeric_limits<double>::quiet_NaN(), width);
  return pick(is(CmpFPredicate::UGE, 0.0),
              pick(is(CmpFPredicate::UNO, 0.0), x, result), nan);
}

/// The LLVM intrinsic of a math op that is a few instructions on every x86-64.
static Value buildIntrinsic(HostBuilder &b, Operation &op, ValueRange x) {
  Type type = x[0].getType();
  return llvm::TypeSwitch<Operation *, Value>(&op)
      .Case([&](math::Exp2Op) { return buildExp2(b, x[0]); })
      .Case([&](math::Log2Op) { return buildLog2(b, x[0]); })
      .Case([&](math::FmaOp) { return b.fma(x[0], x[1], x[2]); })
      .Case([&](math::AbsFOp) -> Value {
        return LLVM::FAbsOp::create(b, type, x[0]);
      })
      .Case([&](math::SqrtOp) -> Value {
        return LLVM::SqrtOp::create(b, type, x[0]);
      })
      .Case([&](math::RsqrtOp) -> Value {
        Value root = LLVM::SqrtOp::create(b, type, x[0]);
        return arith::DivFOp::create(b, b.floats(1.0, widthOf(type)), root);
      })
      .Case([&](math::FloorOp) -> Value {
        return LLVM::FFloorOp::create(b, type, x[0]);
      })
      .Case([&](math::CeilOp) -> Value {
        return LLVM::FCeilOp::create(b, type, x[0]);
      })
      .Case([&](math::TruncOp) -> Value {
        return LLVM::FTruncOp::create(b, type, x[0]);
      })
      .Case([&](math::RoundEvenOp) -> Value {
        return LLVM::RoundEvenOp::create(b, type, x[0]);
      })
      .Case([&](math::CopySignOp) -> Value {
        return LLVM::CopySignOp::create(b, type, x[0], x[1]);
      })
      .Case([&](math::AbsIOp) -> Value {
        Value zero = b.ints(0, widthOf(type));
        return arith::MaxSIOp::create(
            b, x[0], arith::SubIOp::create(b, zero, x[0]).getResult());
      })
      .Default([](Operation *) { return Value(); });
}

FailureOr<Value> attn_jit::cpu::buildElementwise(HostBuilder &b, Operation &op,
                                                 ValueRange operands,
                                                 int64_t width) {
  Type element = op.getResult(0).getType();
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto number = dyn_cast<FloatAttr>(constant.getValue());
    if (number)
      return b.floats(number.getValueAsDouble(), width);
    return b.splat(
        arith::ConstantOp::create(b, cast<TypedAttr>(constant.getValue()))
            .getResult(),
        width);
  }
  if (isa<arith::ExtFOp>(op)) // Held as f32 already.
    return operands[0];
  if (isa<arith::TruncFOp>(op))
    return b.rounded(operands[0], element);
  Value result;
  if (isa<math::MathDialect>(op.getDialect())) {
    result = buildIntrinsic(b, op, operands);
  } else if (isa<arith::ArithDialect>(op.getDialect())) {
    if (isa<arith::BitcastOp>(op) && element.getIntOrFloatBitWidth() < 32)
      return op.emitOpError("on 16-bit elements has no host form");
    OperationState state(b.getLoc(), op.getName().getIdentifier(), operands,
                         {widened(heldType(element), width)}, op.getAttrs());
    result = b.create(state)->getResult(0);
  }
  if (!result)
    return op.emitOpError("has no host form");
  return b.rounded(result, element);
}
