// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A bench's report as a table for people, CSV and JSON for programs.
#ifndef ATTN_JIT_TOOLS_BENCH_PRINT_H
#define ATTN_JIT_TOOLS_BENCH_PRINT_H

#include "tools/bench/Run.h"

namespace attn_jit::bench {

std::string tableText(const Report &report, const Options &options);
std::string csvText(const Report &report, const Options &options);
/// {"system": {...}, "rows": [...]}
std::string jsonText(const Report &report, const Options &options,
                     const std::string &command);

/// "registers 168, spills 0, shared memory 163912 bytes, occupancy 12.5 %
/// (ptxas 13.0)", with "n/a" for what is not known.
std::string resourceText(const rt::Resources &resources,
                         const std::string &target);
/// "213.4 ms: MLIR 80.1, LLVM 101.0, link 0.0"
std::string compileText(const api::CompileTimes &times);

std::string number(double value, int digits);

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_PRINT_H
