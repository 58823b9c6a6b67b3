// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verdict and derived numbers of a row.
#include "tools/bench/Row.h"

using namespace attn_jit;
using namespace attn_jit::bench;

std::string Row::verdict() const {
  if (fault)
    return "error: " + fault->text;
  if (!verified)
    return timeMs ? "no: " + what.unverifiable : "not run: " + note;
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

static std::optional<rt::Peak> peakOf(const rt::DeviceInfo *device,
                                      api::Element element) {
  if (!device || !device->peakGBs)
    return std::nullopt;
  const std::optional<double> &compute = element == api::Element::F32
                                             ? device->peakF32Tflops
                                             : device->peakF16Tflops;
  if (!compute)
    return std::nullopt;
  return rt::Peak{*compute * 1e12, *device->peakGBs * 1e9};
}

void bench::addMetrics(Row &row, const rt::DeviceInfo *device,
                       rt::FlopConvention convention) {
  const Case &what = row.what;
  const int64_t bytes = api::elementBytes(what.description.element);
  const rt::ElementBytes elements{bytes, bytes, bytes, bytes,
                                  what.description.lse ? 4 : 0};
  const double time = row.timeMs.value_or(0);
  const double trueBytes = rt::attentionBytes(what.shape, elements);
  const rt::Metrics counted =
      rt::attentionMetrics(rt::attentionFlops(what.shape, convention),
                           convention == rt::FlopConvention::Diffusion
                               ? rt::diffusionBytes(what.shape, elements)
                               : trueBytes,
                           time);
  row.flopConvention = rt::name(convention);
  const bool flopsKnown =
      what.pairsKnown || convention != rt::FlopConvention::Visible;
  if (flopsKnown)
    row.intensity = counted.arithmeticIntensity;
  if (!row.timeMs)
    return;
  row.gbs = counted.gbPerSecond;
  if (flopsKnown)
    row.tflops = counted.tflops;
  if (what.pairsKnown)
    row.rooflinePercent =
        rt::attentionMetrics(
            rt::attentionFlops(what.shape, rt::FlopConvention::Visible),
            trueBytes, time, peakOf(device, what.description.element))
            .rooflinePercent;
}
