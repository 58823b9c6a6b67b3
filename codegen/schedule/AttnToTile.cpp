// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From an attn.forward to the tile kernel of its schedule. The list of builders
// below is the one place that a new schedule is named in this room.
#include "codegen/Passes.h"
#include "codegen/schedule/ForwardBuilder.h"
#include "dialect/Description.h"
#include "llvm/ADT/StringExtras.h"

namespace attn_jit {
#define GEN_PASS_DEF_ATTNTOTILE
#include "codegen/Passes.h.inc"
} // namespace attn_jit

using namespace mlir;
using namespace attn_jit;

static ScheduleBuilder builderOf(const ScheduleFamily &family) {
  static const std::pair<const ScheduleFamily *, ScheduleBuilder> kBuilders[] =
      {{&kFlashFwdWs, buildFlashFwdWs},
       {&kFlashFwdAsync, buildFlashFwdAsync},
       {&kFlashFwdSync, buildFlashFwdSync}};
  for (auto [known, builder] : kBuilders)
    if (known == &family)
      return builder;
  llvm_unreachable("a schedule family without a builder");
}

namespace {
struct AttnToTile : attn_jit::impl::AttnToTileBase<AttnToTile> {
  using AttnToTileBase::AttnToTileBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    // A tile kernel that was written, or edited, by hand is a schedule already.
    auto fail = [&](const Twine &text) {
      module.emitError() << text;
      signalPassFailure();
    };
    if (!module.getOps<tile::KernelOp>().empty()) {
      for (Operation &beside : module.getOps())
        if (!isa<tile::KernelOp>(beside))
          return fail(
              "module: '" + beside.getName().getStringRef() +
              "' given beside a tile.kernel, allowed: the kernel alone");
      if (!schedule.empty())
        fail("schedule: '" + schedule +
             "' given beside a tile.kernel, allowed: the kernel's own");
      return;
    }
    const TargetInfo *chip = lookupTarget(target);
    if (!chip)
      return fail("target '" + target + "' is not known");
    auto forward = findForward(module);
    if (!forward)
      return fail(llvm::toString(forward.takeError()));
    for (auto [field, given, names] :
         {std::tuple("keys", std::string(keys), kKeysNames),
          {"rows", std::string(rows), kRowsNames}})
      if (!llvm::is_contained(names, given))
        return fail(Twine(field) + ": '" + given +
                    "' given, allowed: " + llvm::join(names, ", "));
    CallClass calls = *CallClass::of(keys, rows);
    ProblemShape problem = attn::getProblemShape(*forward, alignment, calls);
    const TargetInfo *info = &chip->unitsFor(problem.elementBytes);
    auto chosen = [&]() -> llvm::Expected<Schedule> {
      if (!schedule.empty())
        return Schedule::parse(schedule, problem, *info);
      if (auto own = forward->getSchedule())
        return own->getSchedule();
      return Schedule::choose(problem, *info);
    }();
    if (!chosen)
      return fail(llvm::toString(chosen.takeError()));
    if (llvm::Error error = chosen->verify(problem, *info))
      return fail(llvm::toString(std::move(error)));
    // The verified function may hold arithmetic that nobody uses.
    for (Operation &beside : llvm::make_early_inc_range(
             llvm::reverse((*forward)->getBlock()->without_terminator())))
      if (&beside != *forward && isOpTriviallyDead(&beside))
        beside.erase();
    OpBuilder b(&getContext());
    attn::MaskAnalysis mask = attn::analyzeMask(forward->getMask());
    bool causal = mask.exact && mask.bounds.size() == 1 &&
                  mask.bounds[0].upper && mask.bounds[0].slope == 1 &&
                  mask.bounds[0].constant == 0 && mask.bounds[0].terms.empty();
    StringRef maskName = forward->getMask().empty() ? "full"
                         : causal                   ? "causal"
                                                    : "expression";
    StringRef align = attn::stringifyAlign(forward->getAlign());
    StringRef precision = attn::stringifyPrecision(forward->getPrecision());
    ForwardBuilder builder(b, *forward, *chosen, *info);
    builderOf(chosen->getFamily())(builder);
    if (info != chip)
      builder.kernel->setAttr(kWarpsAttr, b.getUnitAttr());
    // What a manifest tells of the kernel's origin.
    auto tell = [&](StringRef attribute, StringRef text) {
      builder.kernel->setAttr(attribute, b.getStringAttr(text));
    };
    tell(kScheduleAttr, chosen->str());
    tell(kMaskAttr, maskName);
    tell(kPositionsAttr, align);
    if (problem.elementBytes == 4)
      tell(kPrecisionAttr, precision);
  }
};
} // namespace
