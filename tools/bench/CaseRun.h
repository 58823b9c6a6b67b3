// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One case on one device: compiled, run on a poisoned output, checked against
// the double-precision reference, timed by device events.
#ifndef ATTN_JIT_TOOLS_BENCH_CASERUN_H
#define ATTN_JIT_TOOLS_BENCH_CASERUN_H

#include "tools/bench/Progress.h"
#include "tools/bench/Row.h"

namespace attn_jit::bench {

/// Fills the row; what was known before an error stays in it.
rt::Status runCase(const Options &options, const api::Engine &engine, Row &row,
                   Progress &progress);

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_CASERUN_H
