// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The list, and the types that its ops may have.
#include "dialect/Elementwise.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn_jit;

using Names = ArrayRef<llvm::StringLiteral>;

static constexpr llvm::StringLiteral kArith[] = {
    "addf",    "addi",   "andi",       "bitcast",  "ceildivsi", "ceildivui",
    "cmpf",    "cmpi",   "constant",   "divf",     "divsi",     "divui",
    "extsi",   "extui",  "floordivsi", "fptosi",   "fptoui",    "maximumf",
    "maxnumf", "maxsi",  "maxui",      "minimumf", "minnumf",   "minsi",
    "minui",   "mulf",   "muli",       "negf",     "ori",       "remsi",
    "remui",   "select", "shli",       "shrsi",    "shrui",     "sitofp",
    "subf",    "subi",   "trunci",     "uitofp",   "xori"};
/// Beside the list, between the types that scalars may have and elements may
/// not.
static constexpr llvm::StringLiteral kConversions[] = {"extf", "index_cast",
                                                       "truncf"};
static constexpr llvm::StringLiteral kMath[] = {
    "absf", "absi", "ceil", "copysign",  "exp",   "exp2", "floor", "fma",
    "log",  "log2", "powf", "roundeven", "rsqrt", "sqrt", "tanh",  "trunc"};

static bool isElement(Type type) {
  return type.isF32() || type.isInteger(32) || type.isInteger(1);
}

static bool isScalar(Type type) {
  return isElement(type) || type.isF16() || type.isBF16() ||
         type.isInteger(64) || type.isIndex();
}

static Names listOf(Operation &op) {
  return isa<math::MathDialect>(op.getDialect()) ? Names(kMath) : Names(kArith);
}

static bool isListed(Operation &op) {
  return llvm::is_contained(listOf(op), op.getName().stripDialect());
}

static bool isArithmetic(Operation &op) {
  return isa_and_present<arith::ArithDialect, math::MathDialect>(
      op.getDialect());
}

static std::string notListed(Operation &op, StringRef place) {
  return llvm::formatv("cannot stand in {0}, allowed of {1}: {2}", place,
                       op.getDialect()->getNamespace(),
                       llvm::join(listOf(op), ", "));
}

/// The first type of `op` that `allowed` does not have.
static std::optional<Type> otherType(Operation &op, bool (*allowed)(Type)) {
  for (TypeRange types :
       {TypeRange(op.getOperandTypes()), TypeRange(op.getResultTypes())})
    for (Type type : types)
      if (!allowed(type))
        return type;
  return std::nullopt;
}

std::optional<std::string> attn_jit::whyNotDivided(Operation &op) {
  bool isSigned = isa<arith::CeilDivSIOp, arith::DivSIOp, arith::FloorDivSIOp,
                      arith::RemSIOp>(op);
  if (!isSigned && !isa<arith::CeilDivUIOp, arith::DivUIOp, arith::RemUIOp>(op))
    return std::nullopt;
  APInt divisor;
  bool known = matchPattern(op.getOperand(1), m_ConstantInt(&divisor));
  if (known && !divisor.isZero() && !(isSigned && divisor.isAllOnes()))
    return std::nullopt;
  return llvm::formatv(
             "divisor: {0} given, allowed: a constant other than 0{1}",
             known ? llvm::itostr(divisor.getSExtValue()) : "no constant",
             isSigned ? " and -1" : "")
      .str();
}

std::optional<std::string> attn_jit::whyNotElementwise(Operation &op,
                                                       StringRef place) {
  if (!isArithmetic(op))
    return llvm::formatv("is not elementwise, so it cannot stand in {0}", place)
        .str();
  if (!isListed(op))
    return notListed(op, place);
  if (auto type = otherType(op, isElement))
    return llvm::formatv("is of '{0}' in {1}, allowed: f32, i32, i1", *type,
                         place)
        .str();
  return whyNotDivided(op);
}

LogicalResult attn_jit::verifyElementwise(Block &block, StringRef place) {
  for (Operation &op : block.without_terminator())
    if (auto reason = whyNotElementwise(op, place))
      return op.emitOpError(*reason);
  return success();
}

LogicalResult attn_jit::verifyScalar(Operation &op) {
  static constexpr llvm::StringLiteral kPlace = "a kernel";
  bool converts = isa<arith::ArithDialect>(op.getDialect()) &&
                  llvm::is_contained(kConversions, op.getName().stripDialect());
  if (!isListed(op) && !converts)
    return op.emitOpError(notListed(op, kPlace));
  bool math = isa<math::MathDialect>(op.getDialect());
  if (auto type = otherType(op, math ? isElement : isScalar))
    return op.emitOpError("is of ")
           << *type << " in " << kPlace << ", allowed: "
           << (math ? "f32, i32" : "f32, f16, bf16, i32, i64, i1, index");
  return success();
}
