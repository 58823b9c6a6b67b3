// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What tests of the time model ask about: problems, and schedules of a Hopper.
#ifndef ATTN_JIT_TEST_AUTOTUNE_MODELSAMPLE_H
#define ATTN_JIT_TEST_AUTOTUNE_MODELSAMPLE_H

#include "autotune/Model.h"

#include <gtest/gtest.h>

namespace attn_jit::test {

inline const TargetInfo &hopper() { return *lookupTarget("sm_90a"); }

inline Schedule parsed(const std::string &text) {
  auto schedule = Schedule::parseComplete(text);
  EXPECT_TRUE(bool(schedule)) << text;
  if (!schedule)
    return Schedule(kFlashFwdWs, {});
  return *schedule;
}

inline ProblemShape shape(int64_t dim, int64_t valueDim, bool masked) {
  ProblemShape problem;
  problem.headDim = dim, problem.valueDim = valueDim;
  problem.elementBytes = 2, problem.masked = masked;
  return problem;
}

} // namespace attn_jit::test

#endif // ATTN_JIT_TEST_AUTOTUNE_MODELSAMPLE_H
