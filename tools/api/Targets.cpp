// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What this build can compile for, and which schedules it knows, as text.
#include "dialect/attn/Schedule.h"
#include "runtime/Printable.h"
#include "tools/api/Compile.h"
#include "llvm/ADT/StringExtras.h"

using namespace attn_jit;

std::vector<std::string> api::targetNames() {
  std::vector<std::string> names;
  for (const TargetInfo &target : allTargets())
    names.push_back(target.name.str());
  return names;
}

rt::Status api::checkTarget(const std::string &target) {
  if (lookupTarget(target))
    return rt::success();
  return rt::badInput("target: " + rt::inQuotes(target) +
                      " given, this build has " +
                      llvm::join(targetNames(), ", "));
}

bool api::seesFewKeys(const Description &d, const CompileOptions &options,
                      int64_t kvLen) {
  const TargetInfo *target = lookupTarget(options.target);
  if (!target || !options.schedule.empty() || !d.module.empty() || kvLen <= 0)
    return false;
  ProblemShape problem = {d.headDim, d.valueDimOrHead(),
                          elementBytes(d.element), d.causal || !d.mask.empty(),
                          options.alignment};
  // A causal row sees half of the keys on average.
  if ((d.causal ? kvLen / 2 : kvLen) > problem.fewKeysUpTo())
    return false;
  const std::string many = Schedule::choose(problem, *target).str();
  problem.fewKeys = true;
  return Schedule::choose(problem, *target).str() != many;
}

std::vector<api::ScheduleHelp> api::scheduleFamilies() {
  std::vector<ScheduleHelp> all;
  for (const ScheduleFamily *family : allScheduleFamilies()) {
    ScheduleHelp help{family->name.str(), family->summary.str(), {}};
    for (const ScheduleField &field : family->fields) {
      std::string allowed;
      if (field.keywords.empty())
        allowed = llvm::join(
            llvm::map_range(field.allowed,
                            [](int64_t each) { return std::to_string(each); }),
            " ");
      else
        allowed = llvm::join(field.keywords, " ");
      help.fields.push_back({field.key.str(), field.summary.str(), allowed});
    }
    all.push_back(std::move(help));
  }
  return all;
}
