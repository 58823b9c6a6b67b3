// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is known of one case after it was compiled, run, checked and timed.
// Invariant: what is not known is absent, never estimated.
#ifndef ATTN_JIT_TOOLS_BENCH_ROW_H
#define ATTN_JIT_TOOLS_BENCH_ROW_H

#include "runtime/check/Compare.h"
#include "tools/api/Engine.h"
#include "tools/bench/Case.h"

namespace attn_jit::bench {

struct Row {
  Case what;
  std::string target, device; ///< device: empty when none ran it
  std::optional<double> timeMs, spreadMs, minMs;
  bool coldCache = false;
  /// What the host does for one launch on tensors it has not seen; absent where
  /// launches are calls.
  std::optional<double> launchUs;
  std::optional<double> tflops, gbs, intensity, rooflinePercent;
  std::string flopConvention;
  rt::Resources resources;
  api::CompileTimes compile;
  std::optional<double> loadMs;
  std::string loaded; ///< "ptx", "cubin", ...: what the driver was given
  std::string cache, schedule, scheduleSource;
  std::string origin, signer; ///< of code from elsewhere
  /// Against the double-precision reference.
  std::optional<rt::Comparison> error, lseError;
  /// Against the kernel that -ref names, when it is one.
  std::optional<rt::Comparison> peer;
  std::optional<double> tolerance;
  std::optional<bool> verified; ///< absent: nothing ran, or nothing to hold
                                ///< the output to
  std::string note;             ///< not run: why
  /// The row could not be; the others go on.
  std::optional<rt::Error> fault;

  bool failed() const { return verified && !*verified; }
  /// "ok", "ok (512 of 6144 rows)", "FAILED: ...", "not run: ...", "no: ..."
  /// (ran, unverified), "error: ...".
  std::string verdict() const;
};

/// Fills the metrics that follow from the time. TFLOP/s, GB/s and intensity are
/// the convention's; the roofline is that of the work itself, visible pairs and
/// true bytes, whatever the convention counts.
void addMetrics(Row &row, const rt::DeviceInfo *device,
                rt::FlopConvention convention);

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_ROW_H
