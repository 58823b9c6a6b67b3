// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The files a bench was asked to write: tried before the work, so that hours
// are not lost on a mistyped folder, and written after it.
#ifndef ATTN_JIT_TOOLS_BENCH_OUTPUTS_H
#define ATTN_JIT_TOOLS_BENCH_OUTPUTS_H

#include "tools/bench/Run.h"

namespace attn_jit::bench {

/// Can --json, --csv and --output_dir be written? Leaves nothing behind.
rt::Status checkOutputs(const Options &options);
rt::Status writeOutputs(const Report &report, const Options &options,
                        const std::string &command);

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_OUTPUTS_H
