// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A bench's report as a table for people, CSV and JSON for programs.
#ifndef ATTN_JIT_TOOLS_BENCH_PRINT_H
#define ATTN_JIT_TOOLS_BENCH_PRINT_H

#include "tools/bench/Run.h"

namespace attn_jit::bench {

std::string tableText(const Report &report, const Options &options);
std::string csvText(const Report &report, const Options &options);
/// Of each row of jsonText().
std::vector<std::string> rowKeys();
/// {"system": {...}, "rows": [...]}
std::string jsonText(const Report &report, const Options &options,
                     const std::string &command);

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_PRINT_H
