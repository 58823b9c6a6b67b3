// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which of a description's regions the double-precision reference computes. It
// shares no code with the compiler, so it knows causal masks and softcaps only,
// however they are written.
#ifndef ATTN_JIT_TOOLS_BENCH_REGIONS_H
#define ATTN_JIT_TOOLS_BENCH_REGIONS_H

#include "tools/api/Description.h"

namespace attn_jit::bench {

struct KnownRegions {
  bool maskKnown = true, scoreKnown = true;
  bool causal = false; ///< what the mask is, where it is known
  double softcap = 0;  ///< what the score region is, where it is known

  /// Why an output of these regions cannot be verified; empty: it can.
  std::string unverifiable() const;
};

/// Compares canonical texts: a hand-written region that reads as a known one is
/// that one.
rt::Result<KnownRegions> recognise(const api::Description &description);

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_REGIONS_H
