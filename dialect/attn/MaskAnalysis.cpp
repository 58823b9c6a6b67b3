// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a mask region as a conjunction of linear inequalities in q and kv.
#include "dialect/attn/MaskAnalysis.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn_jit::attn;

/// Of any coefficient, the least one included, which has no absolute value.
static bool isSlope(int64_t factor) {
  return factor >= -kMaxSlope && factor <= kMaxSlope;
}

namespace {
/// query * q + key * kv + constant + sum of terms, without wrapping.
struct Linear {
  int64_t query = 0, key = 0, constant = 0;
  llvm::SmallMapVector<Value, int64_t, 2> terms;

  bool isConstant() const { return !query && !key && terms.empty(); }

  /// This plus `by` times `other`; nothing where 64 bits do not hold it.
  std::optional<Linear> plus(const Linear &other, int64_t by) const {
    Linear result = *this;
    bool wraps = false;
    auto accumulate = [&](int64_t &into, int64_t value) {
      int64_t product;
      wraps |= llvm::MulOverflow(value, by, product) ||
               llvm::AddOverflow(into, product, into);
    };
    accumulate(result.query, other.query);
    accumulate(result.key, other.key);
    accumulate(result.constant, other.constant);
    for (auto [term, factor] : other.terms)
      accumulate(result.terms[term], factor);
    result.terms.remove_if([](auto &term) { return term.second == 0; });
    if (wraps)
      return std::nullopt;
    return result;
  }

  /// Whether all values for positions lie in [least, most]. Terms are taken as
  /// 0.
  bool within(int64_t least, int64_t most) const {
    if (!isSlope(query) || !isSlope(key))
      return false;
    int64_t spread = (std::abs(query) + std::abs(key)) * kMaxPosition;
    return constant >= least + spread && constant <= most - spread;
  }
  bool fits() const { return within(INT32_MIN, INT32_MAX); }
};

/// The linear values of a region, each op read once and in order.
class Forms {
public:
  explicit Forms(Region &region) : region(region) {
    Block &block = region.front();
    // The last two arguments of either kind of region.
    unsigned q = block.getNumArguments() - 2;
    forms[block.getArgument(q)].query = 1;
    forms[block.getArgument(q + 1)].key = 1;
    for (Operation &op : block.without_terminator())
      if (auto form = read(op))
        forms[op.getResult(0)] = *form;
  }

  std::optional<Linear> of(Value value) const {
    if (auto known = forms.find(value); known != forms.end())
      return known->second;
    Linear leaf;
    APInt constant;
    if (matchPattern(value, m_ConstantInt(&constant)))
      leaf.constant = constant.getSExtValue();
    else if (value.getParentRegion() != &region &&
             value.getType().isInteger(32))
      leaf.terms[value] = 1;
    else
      return std::nullopt; // depends on the batch, the head or the score
    return leaf;
  }

private:
  std::optional<Linear> read(Operation &op) const {
    if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
      return std::nullopt;
    auto lhs = of(op.getOperand(0)), rhs = of(op.getOperand(1));
    if (!lhs || !rhs)
      return std::nullopt;
    if (isa<arith::AddIOp>(op))
      return lhs->plus(*rhs, 1);
    if (isa<arith::SubIOp>(op))
      return lhs->plus(*rhs, -1);
    if (rhs->isConstant())
      return Linear().plus(*lhs, rhs->constant);
    if (lhs->isConstant())
      return Linear().plus(*rhs, lhs->constant);
    return std::nullopt;
  }

  Region &region;
  llvm::DenseMap<Value, Linear> forms;
};

class Reader {
public:
  explicit Reader(Region &mask) : mask(mask), forms(mask) {}

  MaskAnalysis read() {
    SmallVector<Value> conjuncts = {
        cast<YieldOp>(mask.front().getTerminator()).getValue()};
    llvm::DenseSet<Value> seen;
    while (!conjuncts.empty()) {
      Value value = conjuncts.pop_back_val();
      if (!seen.insert(value).second)
        continue;
      Operation *op = value.getDefiningOp();
      if (auto both = dyn_cast_or_null<arith::AndIOp>(op)) {
        conjuncts.push_back(both.getRhs());
        conjuncts.push_back(both.getLhs());
      } else if (auto comparison = dyn_cast_or_null<arith::CmpIOp>(op)) {
        result.exact &= compare(comparison);
      } else if (!matchPattern(value, m_One())) {
        result.exact = false;
      }
    }
    return std::move(result);
  }

private:
  /// `form` + `more` >= 0 holds wherever the mask does; false when that is no
  /// bound of the keys.
  bool atLeastZero(const Linear &form, int64_t more) {
    if (form.key != 1 && form.key != -1)
      return false;
    bool upper = form.key == -1;
    // kv <= rest, or kv >= -rest
    auto bound = Linear().plus(form, upper ? 1 : -1);
    if (!bound || !isSlope(bound->query))
      return false;
    bound->constant += upper ? more : -more;
    result.bounds.push_back(
        {upper, bound->query, bound->constant, bound->terms.takeVector()});
    return true;
  }

  /// Adds the bounds of a comparison; false when they do not say all of it.
  bool compare(arith::CmpIOp op) {
    auto lhs = forms.of(op.getLhs()), rhs = forms.of(op.getRhs());
    if (!lhs || !rhs || !lhs->fits() || !rhs->fits())
      return false;
    auto greater = lhs->plus(*rhs, -1), less = rhs->plus(*lhs, -1);
    if (!greater || !less)
      return false;
    switch (op.getPredicate()) {
    case arith::CmpIPredicate::sge:
      return atLeastZero(*greater, 0);
    case arith::CmpIPredicate::sgt:
      return atLeastZero(*greater, -1);
    case arith::CmpIPredicate::sle:
      return atLeastZero(*less, 0);
    case arith::CmpIPredicate::slt:
      return atLeastZero(*less, -1);
    case arith::CmpIPredicate::eq:
      return atLeastZero(*greater, 0) && atLeastZero(*less, 0);
    default:
      return false;
    }
  }

  Region &mask;
  Forms forms;
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

bool attn_jit::attn::isUnsigned(arith::CmpIPredicate predicate) {
  return llvm::is_contained(
      {arith::CmpIPredicate::ult, arith::CmpIPredicate::ule,
       arith::CmpIPredicate::ugt, arith::CmpIPredicate::uge},
      predicate);
}

bool attn_jit::attn::comparesCannotWrap(Region &region) {
  Forms forms(region);
  auto small = [&](Value value) {
    auto form = forms.of(value);
    // Less the position itself, the most that a side can be moved by.
    return form && form->terms.empty() &&
           form->within(INT32_MIN + 2 * kMaxPosition,
                        INT32_MAX - 2 * kMaxPosition);
  };
  return llvm::all_of(region.front().getOps<arith::CmpIOp>(),
                      [&](arith::CmpIOp op) {
                        return isUnsigned(op.getPredicate()) ||
                               (small(op.getLhs()) && small(op.getRhs()));
                      });
}
