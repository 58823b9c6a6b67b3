// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The columns that table and CSV share: a name, and a row's text in it.
#ifndef ATTN_JIT_TOOLS_BENCH_COLUMNS_H
#define ATTN_JIT_TOOLS_BENCH_COLUMNS_H

#include "tools/bench/Run.h"

#include <functional>

namespace attn_jit::bench {

struct Column {
  std::string name;
  std::function<std::string(const Row &)> text;
};

/// Which attention: the old tool's names first.
std::vector<Column> shapeColumns(const Options &options);
/// The wanted ones of time, throughput, bandwidth, arithmetic intensity.
std::vector<Column> metricColumns(const Options &options);
/// What the image takes, how it was made, how far off it is.
std::vector<Column> detailColumns();

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_COLUMNS_H
