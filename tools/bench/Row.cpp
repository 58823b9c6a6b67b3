// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verdict and derived numbers of a row.
#include "tools/bench/Row.h"

using namespace attn_jit;
using namespace attn_jit::bench;

std::string Row::verdict() const {
  if (!verified)
    return "not run: " + note;
  std::string rows;
  if (error && error->sampled())
    rows = " (" + std::to_string(error->rows) + " of " +
           std::to_string(error->totalRows) + " rows)";
  if (*verified)
    return "ok" + rows;
  std::string text = "FAILED" + rows;
  if (error)
    text += ": " + rt::toText(*error);
  if (lseError && !(tolerance && lseError->passes(*tolerance)))
    text += "; lse: " + rt::toText(*lseError);
  return text;
}

void bench::addMetrics(Row &row, const rt::DeviceInfo *device,
                       rt::FlopConvention convention) {
  const Case &what = row.what;
  const int64_t bytes = api::elementBytes(what.description.element);
  rt::ElementBytes elements{bytes, bytes, bytes, bytes,
                            what.description.lse ? 4 : 0};
  const double flops = rt::attentionFlops(what.shape, convention);
  const double moved = convention == rt::FlopConvention::Diffusion
                           ? rt::diffusionBytes(what.shape, elements)
                           : rt::attentionBytes(what.shape, elements);
  std::optional<rt::Peak> peak;
  if (device && device->peakGBs) {
    const bool wide = what.description.element == api::Element::F32;
    // A CPU has no matrix unit of its own for 16 bits: f32 is its peak.
    std::optional<double> compute = wide || !device->peakF16Tflops
                                        ? device->peakF32Tflops
                                        : device->peakF16Tflops;
    if (compute)
      peak = rt::Peak{*compute * 1e12, *device->peakGBs * 1e9};
  }
  const rt::Metrics metrics =
      rt::attentionMetrics(flops, moved, row.timeMs.value_or(0), peak);
  row.flopConvention = rt::name(convention);
  row.intensity = metrics.arithmeticIntensity;
  if (!row.timeMs)
    return;
  row.tflops = metrics.tflops;
  row.gbs = metrics.gbPerSecond;
  row.rooflinePercent = metrics.rooflinePercent;
}
