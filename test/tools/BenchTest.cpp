// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers that a bench derives, on a device whose peaks are known.
#include "tools/bench/Regions.h"
#include "tools/bench/Row.h"
#include "tools/cli/Format.h"

#include <gtest/gtest.h>

using namespace attn_jit;
using namespace attn_jit::bench;

namespace {
/// 100 TFLOP/s in f16, 1 TB/s.
rt::DeviceInfo knownDevice() {
  rt::DeviceInfo info;
  info.peakGBs = 1000;
  info.peakF16Tflops = 100;
  return info;
}

Row rowOf(int64_t queryLen, int64_t kvLen, bool causal, double timeMs) {
  Row row;
  row.what.shape = {1, 8, 8, queryLen, kvLen, 128, 128, causal};
  row.what.description.headDim = row.what.description.valueDim = 128;
  row.timeMs = timeMs;
  return row;
}
} // namespace

TEST(BenchMetrics, RooflineIsThatOfTheWorkWhateverTheConvention) {
  const rt::DeviceInfo device = knownDevice();
  std::vector<double> percent;
  for (auto convention :
       {rt::FlopConvention::Visible, rt::FlopConvention::HalvedCausal,
        rt::FlopConvention::Diffusion}) {
    Row row = rowOf(4096, 4096, true, 1);
    addMetrics(row, &device, convention);
    ASSERT_TRUE(row.rooflinePercent);
    percent.push_back(*row.rooflinePercent);
  }
  // 2 * 8 heads * 4096 * 4097 / 2 pairs * 256 FLOPs at 1e14 a second, of 1 ms.
  const double expected = 100.0 * 8 * 4096.0 * 4097 * 256 / 1e14 / 1e-3;
  for (const double each : percent)
    EXPECT_NEAR(each, expected, 1e-9 * expected);
}

TEST(BenchMetrics, ConventionsAreWhatTheirNamesSay) {
  auto tflops = [](int64_t sq, int64_t sk, rt::FlopConvention convention) {
    Row row = rowOf(sq, sk, true, 1);
    addMetrics(row, nullptr, convention);
    EXPECT_FALSE(row.rooflinePercent);
    return *row.tflops;
  };
  const double all = 2.0 * 8 * 1 * 4096 * 256 * 1e-9;
  // One query sees every key: nothing is masked, and nothing to halve.
  EXPECT_DOUBLE_EQ(tflops(1, 4096, rt::FlopConvention::Visible), all);
  EXPECT_DOUBLE_EQ(tflops(1, 4096, rt::FlopConvention::HalvedCausal), all / 2);
  EXPECT_DOUBLE_EQ(tflops(1, 4096, rt::FlopConvention::Diffusion), all);
}

TEST(BenchMetrics, DecodingIsBoundByMemory) {
  const rt::DeviceInfo device = knownDevice();
  Row row = rowOf(1, 4096, true, 1);
  addMetrics(row, &device, rt::FlopConvention::Diffusion);
  const double bytes = 8.0 * 256 * 2 * (1 + 4096);
  EXPECT_NEAR(*row.rooflinePercent, 100 * bytes / 1e12 / 1e-3, 1e-9);
}

TEST(BenchMetrics, WhatIsNotKnownIsAbsent) {
  rt::DeviceInfo device = knownDevice();
  Row row = rowOf(64, 64, false, 1);
  row.what.description.element = api::Element::F32; // its peak is not known
  addMetrics(row, &device, rt::FlopConvention::Visible);
  EXPECT_TRUE(row.tflops);
  EXPECT_FALSE(row.rooflinePercent);
  row = rowOf(64, 64, false, 1);
  row.what.pairsKnown = false;
  addMetrics(row, &device, rt::FlopConvention::Visible);
  EXPECT_FALSE(row.tflops);
  EXPECT_FALSE(row.intensity);
  EXPECT_FALSE(row.rooflinePercent);
  EXPECT_TRUE(row.gbs);
}

TEST(BenchResources, SpillsNameTheirUnit) {
  rt::Resources resources;
  EXPECT_EQ(cli::spillText(resources, "sm_90a"), "n/a");
  resources.localBytes = 40;
  EXPECT_NE(cli::resourceText(resources, "sm_90a")
                .find("spills n/a, local memory 40 bytes"),
            std::string::npos);
  resources.spills = 24;
  EXPECT_EQ(cli::spillText(resources, "sm_90a"), "24 bytes");
  EXPECT_EQ(cli::spillText(resources, "gfx942"), "24 registers");
  resources.spills = 0;
  EXPECT_EQ(cli::spillText(resources, "gfx942"), "0");
}

TEST(BenchRegions, KnownByWhatTheyMean) {
  api::Description description;
  description.mask = "^bb0(%b: i32, %h: i32, %at: i32, %other: i32):\n"
                     "  %seen = arith.cmpi sge, %at, %other : i32\n"
                     "  attn.yield %seen : i1\n";
  api::Description capped;
  capped.softcap = 30;
  auto score = api::scoreRegion(capped);
  ASSERT_TRUE(score);
  description.score = *score;
  auto known = recognise(description);
  ASSERT_TRUE(known) << known.error().text;
  EXPECT_TRUE(known->causal);
  EXPECT_EQ(known->softcap, 30);
  EXPECT_EQ(known->unverifiable(), "");
  // One key less: no causal mask any more.
  description.mask.replace(description.mask.find("sge"), 3, "sgt");
  known = recognise(description);
  ASSERT_TRUE(known) << known.error().text;
  EXPECT_FALSE(known->maskKnown);
  EXPECT_FALSE(known->causal);
  EXPECT_NE(known->unverifiable().find("the mask region"), std::string::npos);
  description.mask = "no mlir";
  EXPECT_FALSE(recognise(description));
}
