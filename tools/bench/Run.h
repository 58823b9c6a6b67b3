// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A whole bench: cases compiled, run on poisoned outputs, checked against the
// double-precision reference, timed by device events.
#ifndef ATTN_JIT_TOOLS_BENCH_RUN_H
#define ATTN_JIT_TOOLS_BENCH_RUN_H

#include "tools/bench/Row.h"

namespace attn_jit::bench {

struct Report {
  std::optional<rt::Device> device; ///< absent: compiled only
  std::string why;                  ///< no device: the reason, a sentence
  std::optional<double> contextMs;
  std::string target;
  int64_t compiles = 0;
  std::vector<Row> rows;

  bool failed() const;
};

rt::Result<Report> run(const Options &options);

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_RUN_H
