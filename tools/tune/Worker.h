// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The process in which a tuner's candidates run (autotune/Measure.h).
#ifndef ATTN_JIT_TOOLS_TUNE_WORKER_H
#define ATTN_JIT_TOOLS_TUNE_WORKER_H

#include "tools/tune/Options.h"

namespace attn_jit::tuning {

/// Answers lines of standard input on standard output until there are none.
/// The exit code.
int work(const Options &options);

} // namespace attn_jit::tuning

#endif // ATTN_JIT_TOOLS_TUNE_WORKER_H
