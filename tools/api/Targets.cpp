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

std::string api::CompileOptions::className() const {
  return std::string(fewKeys ? "few keys" : "") +
         (fewKeys && fewRows ? ", " : "") + (fewRows ? "few rows" : "");
}

void api::setClass(CompileOptions &options, const Description &d,
                   const TypicalCall &call) {
  options.fewKeys = options.fewRows = false;
  const TargetInfo *target = lookupTarget(options.target);
  if (!target || !options.schedule.empty() || !d.module.empty())
    return;
  ProblemShape problem = {d.headDim,
                          d.valueDimOrHead(),
                          elementBytes(d.element),
                          d.causal || !d.mask.empty(),
                          options.alignment,
                          {},
                          d.precision == Precision::TF32};
  // A causal row sees half of the keys on average.
  const int64_t seen = d.causal ? call.kvLen / 2 : call.kvLen;
  const bool fewKeys = call.kvLen > 0 && seen <= problem.fewKeysUpTo();
  int64_t rows = 0;
  const bool fewRows =
      !call.batchInvariant && call.batch > 0 && call.queryHeads > 0 &&
      call.queryLen > 0 &&
      !__builtin_mul_overflow(call.batch, call.queryHeads, &rows) &&
      !__builtin_mul_overflow(rows, call.queryLen, &rows) && rows <= kFewRows;
  auto chosen = [&](CallClass calls) {
    problem.calls = calls;
    return Schedule::choose(problem, target->unitsFor(problem.elementBytes))
        .str();
  };
  const std::string wanted = chosen({fewKeys, fewRows});
  for (CallClass calls :
       {CallClass{}, CallClass{true, false}, CallClass{false, true}})
    if (chosen(calls) == wanted) {
      options.fewKeys = calls.fewKeys, options.fewRows = calls.fewRows;
      return;
    }
  options.fewKeys = fewKeys, options.fewRows = fewRows;
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
