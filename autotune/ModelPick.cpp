// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "autotune/ModelPick.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace attn_jit;

bool attn_jit::modelKnows(const TargetInfo &target) {
  return target.name == "sm_90a";
}

std::vector<Schedule> attn_jit::likelySchedules(const ProblemShape &problem,
                                                const TargetInfo &target) {
  const ScheduleFamily &family = kFlashFwdWs;
  auto allowed = [&](llvm::StringRef key) {
    return llvm::find_if(
               family.fields,
               [&](const ScheduleField &field) { return field.key == key; })
        ->allowed;
  };
  std::vector<Schedule> made;
  for (int64_t bm : allowed("bm"))
    for (int64_t bn : allowed("bn"))
      for (const char *walk :
           {"grid=resident, loops=one", "grid=resident, loops=one, anchor=on",
            "grid=resident, loops=split", "grid=tiles"}) {
        auto schedule = Schedule::parse(
            llvm::formatv("{0}<bm={1}, bn={2}, {3}>", family.name, bm, bn, walk)
                .str(),
            problem, target);
        llvm::Error error =
            schedule ? schedule->verify(problem, target) : schedule.takeError();
        if (!error)
          made.push_back(*schedule);
        llvm::consumeError(std::move(error));
      }
  return made;
}

std::optional<Schedule> attn_jit::modelPick(const ProblemShape &problem,
                                            const CallSizes &call,
                                            const TargetInfo &target,
                                            const DeviceNumbers &device) {
  if (!modelKnows(target) || problem.elementBytes != 2)
    return std::nullopt;
  TimeModel model(problem, call, target, device);
  std::optional<Schedule> best;
  double leastUs = 0;
  for (const Schedule &each : likelySchedules(problem, target)) {
    const double us = model.microseconds(each);
    if (!best || us < leastUs)
      best = each, leastUs = us;
  }
  return best;
}
