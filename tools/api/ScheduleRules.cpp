// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/ScheduleRules.h"
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
