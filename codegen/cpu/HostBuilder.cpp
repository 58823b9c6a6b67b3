// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The small words of host code. 16-bit elements convert here and nowhere else:
// f16 by the F16C instructions, bf16 by shifts.
#include "codegen/cpu/HostBuilder.h"

using namespace mlir;
using namespace attn_jit::cpu;

Type attn_jit::cpu::heldType(Type type) {
  return isa<FloatType>(type) ? Float32Type::get(type.getContext()) : type;
}

Type attn_jit::cpu::widened(Type element, int64_t width) {
  return width == 1 ? element : VectorType::get({width}, element);
}

int64_t attn_jit::cpu::widthOf(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.getNumElements() : 1;
}

//===-- Scalars -----------------------------------------------------------===//

Value HostBuilder::i64(int64_t value) {
  return arith::ConstantIntOp::create(*this, value, 64);
}
Value HostBuilder::i32(int64_t value) {
  return arith::ConstantIntOp::create(*this, value, 32);
}
Value HostBuilder::add(Value x, Value y) {
  return createOrFold<arith::AddIOp>(x, y);
}
Value HostBuilder::sub(Value x, Value y) {
  return createOrFold<arith::SubIOp>(x, y);
}
Value HostBuilder::mul(Value x, Value y) {
  return createOrFold<arith::MulIOp>(x, y);
}
Value HostBuilder::div(Value x, int64_t y) {
  return createOrFold<arith::DivUIOp>(x, i64(y));
}
Value HostBuilder::min(Value x, Value y) {
  return createOrFold<arith::MinSIOp>(x, y);
}
Value HostBuilder::less(Value x, Value y) {
  return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, x, y);
}
Value HostBuilder::extended(Value i32) {
  return createOrFold<arith::ExtSIOp>(getI64Type(), i32);
}

//===-- Vectors -----------------------------------------------------------===//

static Value constant(HostBuilder &b, TypedAttr element, int64_t width) {
  if (width == 1)
    return arith::ConstantOp::create(b, element);
  auto type = VectorType::get({width}, element.getType());
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, element));
}

Value HostBuilder::floats(double value, int64_t width) {
  return constant(*this, getF32FloatAttr(value), width);
}
Value HostBuilder::ints(int64_t value, int64_t width) {
  return constant(*this, getI32IntegerAttr(value), width);
}

Value HostBuilder::splat(Value scalar, int64_t width) {
  if (width == 1)
    return scalar;
  if (auto op = scalar.getDefiningOp<arith::ConstantOp>())
    return constant(*this, op.getValue(), width);
  Type type = widened(scalar.getType(), width);
  Value undefined = LLVM::PoisonOp::create(*this, type);
  Value one = LLVM::InsertElementOp::create(*this, undefined, scalar, i64(0));
  return shuffle(one, undefined, SmallVector<int32_t>(width, 0));
}

Value HostBuilder::iota(int64_t width) {
  if (width == 1)
    return i32(0);
  SmallVector<int32_t> steps;
  for (int64_t i = 0; i < width; ++i)
    steps.push_back(i);
  return arith::ConstantOp::create(*this, getI32VectorAttr(steps));
}

Value HostBuilder::shuffle(Value x, Value y, ArrayRef<int32_t> mask) {
  return LLVM::ShuffleVectorOp::create(*this, x, y, mask);
}
Value HostBuilder::fma(Value x, Value y, Value z) {
  return LLVM::FMAOp::create(*this, x.getType(), x, y, z);
}
Value HostBuilder::fmax(Value x, Value y) {
  Value greater = arith::CmpFOp::create(*this, arith::CmpFPredicate::OGT, x, y);
  return arith::SelectOp::create(*this, greater, x, y);
}
Value HostBuilder::fmin(Value x, Value y) {
  Value smaller = arith::CmpFOp::create(*this, arith::CmpFPredicate::OLT, x, y);
  return arith::SelectOp::create(*this, smaller, x, y);
}

Value HostBuilder::reduceVector(
    Value vector, llvm::function_ref<Value(Value, Value)> combine) {
  for (int64_t width = widthOf(vector.getType()); width > 1;) {
    // Halves where there are two; an odd last element waits for the end.
    int64_t half = width / 2;
    SmallVector<int32_t> low, high;
    for (int64_t i = 0; i < half; ++i)
      low.push_back(i), high.push_back(half + i);
    if (half == 1) {
      Value x = LLVM::ExtractElementOp::create(*this, vector, i64(0));
      Value y = LLVM::ExtractElementOp::create(*this, vector, i64(1));
      Value both = combine(x, y);
      if (width == 3)
        both = combine(both,
                       LLVM::ExtractElementOp::create(*this, vector, i64(2)));
      return both;
    }
    Value x = shuffle(vector, vector, low), y = shuffle(vector, vector, high);
    Value both = combine(x, y);
    if (width % 2) {
      Value last =
          LLVM::ExtractElementOp::create(*this, vector, i64(width - 1));
      return combine(reduceVector(both, combine), last);
    }
    vector = both, width = half;
  }
  return vector;
}

//===-- Memory ------------------------------------------------------------===//

Value HostBuilder::at(Value base, Type element, Value index) {
  return LLVM::GEPOp::create(*this, LLVM::LLVMPointerType::get(getContext()),
                             element, base, ValueRange{index});
}

/// Vectors may stand at any element's address.
static unsigned alignmentOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return isa<LLVM::LLVMPointerType>(element)
             ? 8
             : std::max(1u, element.getIntOrFloatBitWidth() / 8);
}

Value HostBuilder::load(Value ptr, Type type) {
  return LLVM::LoadOp::create(*this, type, ptr, alignmentOf(type));
}
void HostBuilder::store(Value value, Value ptr) {
  LLVM::StoreOp::create(*this, value, ptr, alignmentOf(value.getType()));
}

Value HostBuilder::loadHeld(Value ptr, Type element, int64_t width) {
  Type held = widened(heldType(element), width);
  if (element.isF16())
    return arith::ExtFOp::create(*this, held,
                                 load(ptr, widened(element, width)));
  if (element.isBF16()) {
    Value bits = load(ptr, widened(getI16Type(), width));
    bits = arith::ExtUIOp::create(*this, widened(getI32Type(), width), bits);
    bits = arith::ShLIOp::create(*this, bits, ints(16, width));
    return arith::BitcastOp::create(*this, held, bits);
  }
  if (element.isInteger(1)) {
    Value word = load(ptr, widened(getI32Type(), width));
    return arith::CmpIOp::create(*this, arith::CmpIPredicate::ne, word,
                                 ints(0, width));
  }
  return load(ptr, held);
}

void HostBuilder::storeHeld(Value value, Value ptr, Type element) {
  int64_t width = widthOf(value.getType());
  if (element.isF16()) {
    value = arith::TruncFOp::create(*this, widened(element, width), value);
  } else if (element.isBF16()) {
    Value bits = arith::BitcastOp::create(*this, widened(getI32Type(), width),
                                          rounded(value, element));
    bits = arith::ShRUIOp::create(*this, bits, ints(16, width));
    value = arith::TruncIOp::create(*this, widened(getI16Type(), width), bits);
  } else if (element.isInteger(1)) {
    value = arith::ExtUIOp::create(*this, widened(getI32Type(), width), value);
  }
  store(value, ptr);
}

Value HostBuilder::rounded(Value value, Type element) {
  int64_t width = widthOf(value.getType());
  if (element.isF16()) {
    Value half = arith::TruncFOp::create(*this, widened(element, width), value);
    return arith::ExtFOp::create(*this, value.getType(), half);
  }
  if (!element.isBF16())
    return value;
  Type word = widened(getI32Type(), width);
  Value bits = arith::BitcastOp::create(*this, word, value);
  Value odd = arith::AndIOp::create(
      *this, arith::ShRUIOp::create(*this, bits, ints(16, width)),
      ints(1, width));
  Value up = arith::AddIOp::create(
      *this, bits, arith::AddIOp::create(*this, odd, ints(0x7fff, width)));
  // A carry out of a NaN's mantissa would make it a number.
  Value quiet = arith::OrIOp::create(*this, bits, ints(0x400000, width));
  Value nan =
      arith::CmpFOp::create(*this, arith::CmpFPredicate::UNO, value, value);
  Value result = arith::SelectOp::create(*this, nan, quiet, up);
  result = arith::AndIOp::create(*this, result, ints(-65536, width));
  return arith::BitcastOp::create(*this, value.getType(), result);
}

//===-- Loops -------------------------------------------------------------===//

void HostBuilder::loop(Value first, Value end, int64_t step, Body body) {
  auto op = scf::ForOp::create(*this, first, end, i64(step));
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.getBody());
  body(op.getInductionVar());
}

void HostBuilder::loop(int64_t count, int64_t step, Body body) {
  if (count <= 0)
    return;
  if (count <= step)
    return body(i64(0));
  loop(i64(0), i64(count), step, body);
}

SmallVector<Value> HostBuilder::loop(int64_t count, int64_t step,
                                     ValueRange carried, CarryBody body) {
  if (count <= 0)
    return carried;
  if (count <= step)
    return body(i64(0), carried);
  auto op = scf::ForOp::create(*this, i64(0), i64(count), i64(step), carried);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.getBody());
  SmallVector<Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
  if (!next.empty())
    scf::YieldOp::create(*this, next);
  return op.getResults();
}

void HostBuilder::when(Value condition, llvm::function_ref<void()> body) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(op.thenBlock());
  body();
}
