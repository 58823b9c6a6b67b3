// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/ScheduleRules.h"
#include "autotune/ModelPick.h"
#include "dialect/attn/MeasuredDefault.h"
#include "tools/api/Shape.h"

using namespace attn_jit;

std::string api::defaultSchedule(const Description &description,
                                 const CompileOptions &options) {
  const TargetInfo *target = lookupTarget(options.target);
  if (!target)
    return {};
  const ProblemShape problem = shapeOf(description, options);
  return Schedule::choose(problem, target->unitsFor(problem.elementBytes))
      .str();
}

bool api::isLegalSchedule(const Description &description,
                          const CompileOptions &options,
                          const std::string &schedule) {
  const TargetInfo *target = lookupTarget(options.target);
  if (!target)
    return false;
  const ProblemShape problem = shapeOf(description, options);
  auto parsed = Schedule::parseComplete(schedule);
  llvm::Error error =
      parsed ? parsed->verify(problem, target->unitsFor(problem.elementBytes))
             : parsed.takeError();
  const bool legal = !error;
  llvm::consumeError(std::move(error));
  return legal;
}

bool api::modelKnows(const std::string &target) {
  const TargetInfo *known = lookupTarget(target);
  return known && attn_jit::modelKnows(*known);
}

std::string api::modelSchedule(const Description &description,
                               const CompileOptions &options,
                               const TypicalCall &call,
                               const rt::DeviceInfo &device) {
  const TargetInfo *target = lookupTarget(options.target);
  const ProblemShape problem = shapeOf(description, options);
  if (!target || measuredDefault(problem, *target))
    return {};
  CallSizes sizes;
  sizes.batch = call.batch;
  sizes.qHeads = call.queryHeads, sizes.kvHeads = call.kvHeads;
  sizes.qLen = call.queryLen, sizes.kvLen = call.kvLen;
  sizes.causal = description.causal;
  const auto pick =
      modelPick(problem, sizes, *target, DeviceNumbers::of(device));
  return pick ? pick->str() : std::string();
}
