// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a mask region as a conjunction of linear inequalities in q and kv.
#include "dialect/attn/MaskAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn_jit::attn;

namespace {
/// q * query + kv * key + constant + sum of terms.
struct Linear {
  int64_t query = 0, key = 0, constant = 0;
  SmallVector<std::pair<Value, int64_t>, 2> terms;

  Linear scaled(int64_t by) const {
    Linear result = *this;
    result.query *= by, result.key *= by, result.constant *= by;
    for (auto &term : result.terms)
      term.second *= by;
    return result;
  }
  Linear plus(const Linear &other) const {
    Linear result = *this;
    result.query += other.query, result.key += other.key;
    result.constant += other.constant;
    result.terms.append(other.terms);
    return result;
  }
  bool isConstant() const { return !query && !key && terms.empty(); }
};

class Reader {
public:
  explicit Reader(Region &mask) : mask(mask) {}

  MaskAnalysis read() {
    conjunct(cast<YieldOp>(mask.front().getTerminator()).getValue());
    return std::move(result);
  }

private:
  std::optional<Linear> linear(Value value) {
    Block &block = mask.front();
    Linear leaf;
    APInt constant;
    if (matchPattern(value, m_ConstantInt(&constant))) {
      leaf.constant = constant.getSExtValue();
      return leaf;
    }
    if (value == block.getArgument(2)) {
      leaf.query = 1;
      return leaf;
    }
    if (value == block.getArgument(3)) {
      leaf.key = 1;
      return leaf;
    }
    if (value.getParentRegion() != &mask && value.getType().isInteger(32)) {
      leaf.terms.push_back({value, 1});
      return leaf;
    }
    Operation *op = value.getDefiningOp();
    if (!op || op->getNumOperands() != 2)
      return std::nullopt; // depends on the batch or the head, or is a leaf
    auto lhs = linear(op->getOperand(0)), rhs = linear(op->getOperand(1));
    if (!lhs || !rhs)
      return std::nullopt;
    return llvm::TypeSwitch<Operation *, std::optional<Linear>>(op)
        .Case([&](arith::AddIOp) { return lhs->plus(*rhs); })
        .Case([&](arith::SubIOp) { return lhs->plus(rhs->scaled(-1)); })
        .Case([&](arith::MulIOp) -> std::optional<Linear> {
          if (rhs->isConstant())
            return lhs->scaled(rhs->constant);
          if (lhs->isConstant())
            return rhs->scaled(lhs->constant);
          return std::nullopt;
        })
        .Default(std::nullopt);
  }

  /// `form` >= 0 holds wherever the mask does.
  void atLeastZero(const Linear &form) {
    if (form.key != 1 && form.key != -1) {
      result.exact = false;
      return;
    }
    Linear bound = form;
    bound.key = 0;
    if (form.key == 1) // kv >= -(rest)
      bound = bound.scaled(-1);
    result.bounds.push_back(
        {form.key == -1, bound.query, bound.constant, bound.terms});
  }

  void compare(arith::CmpIOp op) {
    auto lhs = linear(op.getLhs()), rhs = linear(op.getRhs());
    if (!lhs || !rhs) {
      result.exact = false;
      return;
    }
    Linear greater = lhs->plus(rhs->scaled(-1)), less = greater.scaled(-1);
    switch (op.getPredicate()) {
    case arith::CmpIPredicate::sge:
      return atLeastZero(greater);
    case arith::CmpIPredicate::sgt:
      --greater.constant;
      return atLeastZero(greater);
    case arith::CmpIPredicate::sle:
      return atLeastZero(less);
    case arith::CmpIPredicate::slt:
      --less.constant;
      return atLeastZero(less);
    case arith::CmpIPredicate::eq:
      atLeastZero(greater);
      return atLeastZero(less);
    default:
      result.exact = false;
    }
  }

  void conjunct(Value value) {
    Operation *op = value.getDefiningOp();
    if (auto both = dyn_cast_or_null<arith::AndIOp>(op)) {
      conjunct(both.getLhs());
      return conjunct(both.getRhs());
    }
    if (auto comparison = dyn_cast_or_null<arith::CmpIOp>(op))
      return compare(comparison);
    if (!matchPattern(value, m_One()))
      result.exact = false;
  }

  Region &mask;
  MaskAnalysis result;
};
} // namespace

bool MaskAnalysis::boundsAbove() const {
  return llvm::any_of(bounds, [](const KeyBound &b) { return b.upper; });
}

bool MaskAnalysis::boundsBelow() const {
  return llvm::any_of(bounds, [](const KeyBound &b) { return !b.upper; });
}

MaskAnalysis attn_jit::attn::analyzeMask(Region &mask) {
  return mask.empty() ? MaskAnalysis() : Reader(mask).read();
}
