// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tuning that another program started beside its own work (tools/api/
// BackgroundTuning.h): it gives way to everybody, and ends with that program.
#ifndef ATTN_JIT_TOOLS_TUNE_BACKGROUND_H
#define ATTN_JIT_TOOLS_TUNE_BACKGROUND_H

#include "runtime/Result.h"

#include <string>

namespace attn_jit::tuning {

/// `parent`: the process that started this one, a number.
rt::Status beginBackground(const std::string &parent);

} // namespace attn_jit::tuning

#endif // ATTN_JIT_TOOLS_TUNE_BACKGROUND_H
