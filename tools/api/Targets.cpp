// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What this build can compile for, and which schedules it knows, as text.
#include "runtime/Printable.h"
#include "tools/api/Shape.h"
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

static KeyClass keysOf(const ProblemShape &problem, int64_t kvLen,
                       bool causal) {
  if (kvLen <= 0)
    return KeyClass::Many; // not told
  // A causal row sees half of the keys on average.
  const int64_t seen = causal ? kvLen / 2 : kvLen;
  if (seen <= problem.fewKeysUpTo())
    return KeyClass::Few;
  return seen < kLongKeys ? KeyClass::Many : KeyClass::Long;
}

static RowClass rowsOf(const api::TypicalCall &call) {
  int64_t rows = 0;
  if (call.batchInvariant || call.batch <= 0 || call.queryHeads <= 0 ||
      call.queryLen <= 0 ||
      __builtin_mul_overflow(call.batch, call.queryHeads, &rows) ||
      __builtin_mul_overflow(rows, call.queryLen, &rows) || rows > kWaveRows)
    return RowClass::Many;
  return rows <= kFewRows ? RowClass::Few : RowClass::Wave;
}

void api::setClass(CompileOptions &options, const Description &d,
                   const TypicalCall &call) {
  options.calls = {};
  const TargetInfo *target = lookupTarget(options.target);
  if (!target || !options.schedule.empty() || !d.module.empty())
    return;
  ProblemShape problem = shapeOf(d, options);
  auto chosen = [&](CallClass calls) {
    problem.calls = calls;
    return Schedule::choose(problem, target->unitsFor(problem.elementBytes));
  };
  const CallClass own = {keysOf(problem, call.kvLen, d.causal), rowsOf(call)};
  const Schedule wanted = chosen(own);
  // Classes of one schedule share an image: that of the first.
  options.calls = *llvm::find_if(kCallClasses, [&](CallClass calls) {
    return calls == own || chosen(calls) == wanted;
  });
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
