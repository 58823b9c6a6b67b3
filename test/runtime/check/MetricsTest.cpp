// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// FLOPs, bytes and roofline against numbers worked out by hand.
// Invariant: visible pairs are also counted one by one.

#include "runtime/check/Metrics.h"

#include <gtest/gtest.h>

using namespace attn_jit::rt;

TEST(Metrics, VisiblePairsEqualACount) {
  for (int64_t queryLen : {1, 2, 5, 8})
    for (int64_t kvLen : {1, 3, 5, 9})
      for (CausalAlign align :
           {CausalAlign::BottomRight, CausalAlign::TopLeft}) {
        AttentionShape shape{2, 3, 1, queryLen, kvLen, 4, 4, true, align};
        int64_t count = 0;
        for (int64_t row = 0; row < queryLen; ++row)
          for (int64_t key = 0; key < kvLen; ++key)
            count += align == CausalAlign::TopLeft
                         ? key <= row
                         : queryLen - row <= kvLen - key;
        EXPECT_EQ(visiblePairs(shape), 6.0 * count) << queryLen << " " << kvLen;
        shape.causal = false;
        EXPECT_EQ(visiblePairs(shape), 6.0 * queryLen * kvLen);
      }
}

TEST(Metrics, FlopConventions) {
  AttentionShape shape{2, 4, 2, 8, 8, 16, 32, true};
  EXPECT_EQ(attentionFlops(shape, FlopConvention::Visible), 2.0 * 48 * 8 * 36);
  EXPECT_EQ(attentionFlops(shape, FlopConvention::HalvedCausal), 48.0 * 8 * 64);
  EXPECT_EQ(attentionFlops(shape, FlopConvention::Diffusion),
            2.0 * 48 * 8 * 64);
  shape.causal = false;
  for (FlopConvention convention :
       {FlopConvention::Visible, FlopConvention::HalvedCausal,
        FlopConvention::Diffusion}) {
    EXPECT_EQ(attentionFlops(shape, convention), 2.0 * 48 * 8 * 64);
    EXPECT_EQ(*parseFlopConvention(name(convention)), convention);
  }
  auto wrong = parseFlopConvention("half");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().text.find("flops: 'half' given"), std::string::npos);
}

TEST(Metrics, BytesTrueAndAsTheDiffusionBenchCounts) {
  AttentionShape shape{1, 4, 2, 10, 20, 8, 16};
  ElementBytes int8{1, 1, 2, 2, 4};
  double inputs = 10 * 4 * 8 * 1 + 20 * 2 * 8 * 1 + 20 * 2 * 16 * 2;
  EXPECT_EQ(attentionBytes(shape, int8), inputs + 10 * 4 * 16 * 2 + 10 * 4 * 4);
  EXPECT_EQ(diffusionBytes(shape, int8), inputs + 10 * 4 * 16 * 1);
}

TEST(Metrics, LongSequencesDoNotOverflow) {
  AttentionShape shape{16,  128, 8, int64_t(1) << 24, int64_t(1) << 24,
                       256, 256};
  EXPECT_NEAR(attentionFlops(shape, FlopConvention::Visible) /
                  (1024.0 * 2048 * 0x1p48),
              1, 1e-12);
}

TEST(Metrics, RatesAndRoofline) {
  // 2 ms at 1 TFLOP and 8 GB; the peak allows 1 ms of arithmetic, 0.5 ms of
  // memory.
  Metrics metrics = attentionMetrics(1e12, 8e9, 2, Peak{1e15, 16e12});
  EXPECT_DOUBLE_EQ(metrics.tflops, 500);
  EXPECT_DOUBLE_EQ(metrics.gbPerSecond, 4000);
  EXPECT_DOUBLE_EQ(metrics.arithmeticIntensity, 125);
  EXPECT_DOUBLE_EQ(*metrics.rooflinePercent, 50);
  // The same, bound by memory.
  metrics = attentionMetrics(1e12, 8e9, 2, Peak{1e15, 5e12});
  EXPECT_DOUBLE_EQ(*metrics.rooflinePercent, 80);
  EXPECT_FALSE(attentionMetrics(1e12, 8e9, 2).rooflinePercent);
  EXPECT_FALSE(attentionMetrics(1e12, 8e9, 2, Peak{}).rooflinePercent);
  EXPECT_EQ(attentionMetrics(1e12, 0, 0).tflops, 0);
}
