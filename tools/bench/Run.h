// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A whole bench: the device chosen, each case a row.
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

  /// Did any row come to its end?
  bool finishedAny() const;
  /// 2: a row could not be; 1: one FAILED, or a machine did; else 0.
  int exitCode() const;
};

/// The device to run on, the one named, else the first that takes the target,
/// or why there is none: `device`, `why` and `target` of the report.
rt::Status chooseDevice(const Options &options, Report &report);

/// An error of one row stands in that row, and the others go on.
rt::Result<Report> run(const Options &options);

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_RUN_H
