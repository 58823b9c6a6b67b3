// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The formulas, in double: counts of long sequences pass 2^63.
// Invariant: each convention is one expression, named as in the header.

#include "runtime/check/Metrics.h"

#include "runtime/Printable.h"

#include <algorithm>

namespace attn_jit::rt {
namespace {
constexpr std::pair<FlopConvention, std::string_view> conventions[] = {
    {FlopConvention::Visible, "visible"},
    {FlopConvention::HalvedCausal, "halved_causal"},
    {FlopConvention::Diffusion, "diffusion"},
};
} // namespace

std::string_view name(FlopConvention convention) {
  for (const auto &[value, text] : conventions)
    if (value == convention)
      return text;
  return "";
}

Result<FlopConvention> parseFlopConvention(std::string_view text) {
  for (const auto &[value, name] : conventions)
    if (text == name)
      return value;
  return badInput("flops: " + inQuotes(text) +
                  " given, allowed: visible, halved_causal, diffusion");
}

double visiblePairs(const AttentionShape &shape) {
  double heads = double(shape.batch) * double(shape.queryHeads);
  if (!shape.causal)
    return heads * double(shape.queryLen) * double(shape.kvLen);
  // Row i sees clamp(i + shift + 1, 0, kv_len) keys.
  int64_t shift = shape.causalAlign == CausalAlign::BottomRight
                      ? shape.kvLen - shape.queryLen
                      : 0;
  int64_t first = std::clamp<int64_t>(-shift, 0, shape.queryLen);
  int64_t full =
      std::clamp<int64_t>(shape.kvLen - shift, first, shape.queryLen);
  double growing = double(full - first);
  double start = double(first + shift + 1);
  double pairs = growing * start + growing * (growing - 1) / 2 +
                 double(shape.queryLen - full) * double(shape.kvLen);
  return heads * pairs;
}

double attentionFlops(const AttentionShape &shape, FlopConvention convention) {
  double perPair = 2.0 * double(shape.headDim + shape.valueDim);
  double whole = perPair * double(shape.batch) * double(shape.queryHeads) *
                 double(shape.queryLen) * double(shape.kvLen);
  switch (convention) {
  case FlopConvention::Visible:
    return perPair * visiblePairs(shape);
  case FlopConvention::HalvedCausal:
    return shape.causal ? whole / 2 : whole;
  case FlopConvention::Diffusion:
    return whole;
  }
  return whole;
}

double attentionBytes(const AttentionShape &shape,
                      const ElementBytes &elements) {
  double queryRows =
      double(shape.batch) * double(shape.queryHeads) * double(shape.queryLen);
  double keyRows =
      double(shape.batch) * double(shape.kvHeads) * double(shape.kvLen);
  return queryRows * double(shape.headDim * elements.query +
                            shape.valueDim * elements.output + elements.lse) +
         keyRows * double(shape.headDim * elements.key +
                          shape.valueDim * elements.value);
}

double diffusionBytes(const AttentionShape &shape,
                      const ElementBytes &elements) {
  ElementBytes asCounted = elements;
  asCounted.output = elements.query;
  asCounted.lse = 0;
  return attentionBytes(shape, asCounted);
}

Metrics attentionMetrics(double flops, double bytes, double milliseconds,
                         std::optional<Peak> peak) {
  Metrics metrics;
  metrics.flops = flops;
  metrics.bytes = bytes;
  if (milliseconds > 0) {
    metrics.tflops = flops / milliseconds * 1e-9;
    metrics.gbPerSecond = bytes / milliseconds * 1e-6;
  }
  if (bytes > 0)
    metrics.arithmeticIntensity = flops / bytes;
  if (peak && peak->flopsPerSecond > 0 && peak->bytesPerSecond > 0 &&
      milliseconds > 0) {
    double atLeastMs = 1e3 * std::max(flops / peak->flopsPerSecond,
                                      bytes / peak->bytesPerSecond);
    metrics.rooflinePercent = 100 * atLeastMs / milliseconds;
  }
  return metrics;
}

} // namespace attn_jit::rt
