// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// FLOPs, bytes and roofline of an attention call, each by a named convention.
// Invariant: a number never leaves here without the name of the formula that
// made it.

#ifndef ATTN_JIT_RUNTIME_CHECK_METRICS_H
#define ATTN_JIT_RUNTIME_CHECK_METRICS_H

#include "runtime/Result.h"
#include "runtime/check/Reference.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace attn_jit::rt {

struct AttentionShape {
  int64_t batch = 1, queryHeads = 1, kvHeads = 1, queryLen = 0, kvLen = 0;
  int64_t headDim = 0, valueDim = 0;
  bool causal = false;
  CausalAlign causalAlign = CausalAlign::BottomRight;
};

enum class FlopConvention {
  Visible,      ///< 2 (D + DV) for each (query, key) pair the mask lets through
  HalvedCausal, ///< 2 B HQ SQ SK (D + DV), halved when causal: FlashAttention's
                ///< and SageAttention's
  Diffusion     ///< 2 B HQ SQ SK (D + DV) always: AITER's diffusion benchmark
};
/// "visible", "halved_causal", "diffusion".
std::string_view name(FlopConvention convention);
Result<FlopConvention> parseFlopConvention(std::string_view text);

/// Pairs the causal mask lets through, over all batches and query heads.
double visiblePairs(const AttentionShape &shape);
double attentionFlops(const AttentionShape &shape, FlopConvention convention);

struct ElementBytes {
  int64_t query = 2, key = 2, value = 2, output = 2;
  int64_t lse = 0; ///< 4 when the kernel writes it
};
/// Each tensor once, at its own element size.
double attentionBytes(const AttentionShape &shape,
                      const ElementBytes &elements);
/// The diffusion benchmark's formula: as above, the output counted at the
/// query's size, no LSE.
double diffusionBytes(const AttentionShape &shape,
                      const ElementBytes &elements);

struct Peak {
  double flopsPerSecond = 0;
  double bytesPerSecond = 0;
};

struct Metrics {
  double flops = 0, bytes = 0;
  double tflops = 0;                     ///< 1e12 / s
  double gbPerSecond = 0;                ///< 1e9 bytes / s
  double arithmeticIntensity = 0;        ///< FLOP / byte
  std::optional<double> rooflinePercent; ///< absent without a peak
};
Metrics attentionMetrics(double flops, double bytes, double milliseconds,
                         std::optional<Peak> peak = std::nullopt);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_CHECK_METRICS_H
