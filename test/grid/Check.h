// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The checks that the grid program makes of one engine's device.
#ifndef ATTN_JIT_TEST_GRID_CHECK_H
#define ATTN_JIT_TEST_GRID_CHECK_H

#include "runtime/check/Compare.h"
#include "runtime/check/Inputs.h"
#include "tools/api/Engine.h"

namespace attn_jit::grid {

/// What is wrong with tensors whose elements lie more than 4 GiB apart; empty
/// when nothing is.
rt::Result<std::vector<std::string>> checkFar(const api::Engine &engine,
                                              const std::string &target,
                                              const std::string &schedule);

} // namespace attn_jit::grid

#endif // ATTN_JIT_TEST_GRID_CHECK_H
