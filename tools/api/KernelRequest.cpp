// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/KernelRequest.h"

using namespace attn_jit;

api::KernelRequest api::requestOf(ScheduleChoice &choice,
                                  const Description &description,
                                  const KernelOptions &options,
                                  const std::string &deviceTarget) {
  CompileOptions wanted = CompileOptions::fromEnvironment();
  wanted.target = options.target.empty() ? deviceTarget : options.target;
  wanted.schedule = options.schedule;
  wanted.alignment = options.alignment;
  setClass(wanted, description, options.typical);
  wanted.debugInfo = options.debugInfo;
  CompileOptions asked = wanted;
  ScheduleChosen chosen = choice.choose(description, asked, options.typical);
  if (wanted.schedule.empty() && !chosen.schedule.empty()) {
    wanted.schedule = chosen.schedule;
    wanted.calls = {};
  }
  return {std::move(asked), std::move(wanted), std::move(chosen)};
}
