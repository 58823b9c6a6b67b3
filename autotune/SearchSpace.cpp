// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The walk over a verifier's answers: an odometer whose digits are the fields
// in the order in which the verifier reads them. A digit that was not read has
// no say; one that was read last changes first.
#include "autotune/SearchSpace.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace attn_jit;

namespace {
class LegalWalk {
public:
  LegalWalk(const ScheduleFamily &family, const ProblemShape &problem,
            const TargetInfo &target, const SpaceOptions &options,
            llvm::function_ref<void(const Schedule &)> visit)
      : family(family), problem(problem), target(target), visit(visit) {
    figures.products = 1;
    for (const ScheduleField &field : family.fields) {
      std::vector<int64_t> values = field.allowed.vec();
      for (const FixedField &fixed : options.fixed)
        if (fixed.key == field.key)
          llvm::erase_if(values, [&](int64_t value) {
            return !llvm::is_contained(fixed.values, value);
          });
      if (values.empty()) {
        nothing = true;
        values = field.allowed.vec();
      }
      figures.products *= double(values.size());
      follows.push_back(field.follows && !options.everyBudget);
      current.push_back(values.front());
      allowed.push_back(std::move(values));
    }
  }

  SpaceFigures run() {
    if (nothing)
      return {};
    do {
      // With what the digits so far decide, the answer may ask for more.
      if (ask())
        visitFree(0);
    } while (advance());
    return figures;
  }

private:
  struct Digit {
    unsigned field;
    size_t place = 0;
  };

  /// The current values, with what follows from them.
  llvm::SmallVector<int64_t> completed() const {
    llvm::SmallVector<std::pair<unsigned, int64_t>> named;
    for (unsigned i = 0; i < current.size(); ++i)
      if (!follows[i])
        named.push_back({i, current[i]});
    if (named.size() == current.size())
      return current;
    return family.complete(problem, target, NamedFields(family.fields, named));
  }

  bool ask() {
    FieldReads reads;
    const Schedule schedule(family, completed(), &reads);
    ++figures.questions;
    llvm::Error error = schedule.verify(problem, target);
    const bool legal = !error;
    llvm::consumeError(std::move(error));
    // The verifier reads as before what it read before: only what is new gets
    // a digit.
    for (unsigned field : reads)
      if (!follows[field] && !hasDigit(field))
        digits.push_back({field});
    return legal;
  }

  bool hasDigit(unsigned field) const {
    return llvm::any_of(digits,
                        [&](const Digit &d) { return d.field == field; });
  }

  bool advance() {
    while (!digits.empty()) {
      Digit &last = digits.back();
      if (++last.place < allowed[last.field].size()) {
        current[last.field] = allowed[last.field][last.place];
        return true;
      }
      current[last.field] = allowed[last.field].front();
      digits.pop_back();
    }
    return false;
  }

  /// Every value of the fields from `field` on that the answer did not depend
  /// on. What follows from others is chosen anew beside each, and asked again.
  void visitFree(unsigned field) {
    while (field < current.size() && (follows[field] || hasDigit(field)))
      ++field;
    if (field == current.size()) {
      const Schedule schedule(family, completed());
      llvm::Error error = llvm::Error::success();
      if (llvm::is_contained(follows, true)) {
        llvm::consumeError(std::move(error));
        error = schedule.verify(problem, target);
      }
      if (!error) {
        ++figures.legal;
        visit(schedule);
      }
      llvm::consumeError(std::move(error));
      return;
    }
    for (int64_t value : allowed[field]) {
      current[field] = value;
      visitFree(field + 1);
    }
    current[field] = allowed[field].front();
  }

  const ScheduleFamily &family;
  const ProblemShape &problem;
  const TargetInfo &target;
  llvm::function_ref<void(const Schedule &)> visit;
  std::vector<std::vector<int64_t>> allowed;
  llvm::SmallVector<bool> follows;
  llvm::SmallVector<int64_t> current;
  llvm::SmallVector<Digit> digits;
  bool nothing = false; ///< a field is left no value
  SpaceFigures figures;
};
} // namespace

SpaceFigures
attn_jit::visitLegal(const ScheduleFamily &family, const ProblemShape &problem,
                     const TargetInfo &target, const SpaceOptions &options,
                     llvm::function_ref<void(const Schedule &)> visit) {
  return LegalWalk(family, problem, target, options, visit).run();
}

std::vector<RankedSchedule>
attn_jit::rankLegal(const ProblemShape &problem, const TargetInfo &target,
                    const SpaceOptions &options, size_t most,
                    llvm::function_ref<double(const Schedule &)> time,
                    SpaceFigures *figures) {
  struct Ranked {
    Schedule schedule;
    double us;
    size_t place; ///< in the walk: the same for the same space
  };
  auto before = [](const Ranked &a, const Ranked &b) {
    return a.us != b.us ? a.us < b.us : a.place < b.place;
  };
  // A heap of the best, with the worst of them on top: the space may be much
  // larger than what is wanted of it.
  std::vector<Ranked> heap;
  SpaceFigures all;
  size_t place = 0;
  for (const ScheduleFamily *family : allScheduleFamilies()) {
    const SpaceFigures own = visitLegal(
        *family, problem, target, options, [&](const Schedule &schedule) {
          const double us = time(schedule);
          ++place;
          if (most == 0 || (heap.size() == most && us >= heap.front().us))
            return;
          if (heap.size() == most) {
            std::pop_heap(heap.begin(), heap.end(), before);
            heap.pop_back();
          }
          heap.push_back({schedule, us, place});
          std::push_heap(heap.begin(), heap.end(), before);
        });
    all.products += own.products;
    all.legal += own.legal;
    all.questions += own.questions;
  }
  std::sort_heap(heap.begin(), heap.end(), before);
  if (figures)
    *figures = all;
  std::vector<RankedSchedule> ranked;
  for (Ranked &each : heap)
    ranked.push_back({std::move(each.schedule), each.us});
  return ranked;
}
