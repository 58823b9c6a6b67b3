// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text that records keep a description by is read back as the same.
#include "tools/api/Description.h"

#include <gtest/gtest.h>

using namespace attn_jit;
using namespace attn_jit::api;

static Description sample() {
  Description what;
  what.headDim = 64, what.valueDim = 96;
  what.element = Element::F32, what.precision = Precision::TF32;
  what.align = Align::TopLeft;
  what.causal = what.lse = true;
  what.softcap = 0.1;
  return what;
}

TEST(Description, IsReadBackFromItsText) {
  Description regions = sample();
  regions.softcap = 0;
  // Whatever stands in a text, its length says where it ends.
  regions.score = "^bb0: mask=3:abc module=0:\n";
  regions.mask = std::string("\0 score=", 8);
  Description plain;
  plain.headDim = 128;
  for (const Description &what : {sample(), regions, plain}) {
    const auto read = readLabelledText(labelledText(what));
    ASSERT_TRUE(read) << labelledText(what);
    EXPECT_EQ(identity(*read), identity(what));
    EXPECT_EQ(labelledText(*read), labelledText(what));
  }
}

TEST(Description, NothingElseIsRead) {
  const std::string good = labelledText(sample());
  EXPECT_FALSE(readLabelledText(""));
  EXPECT_FALSE(readLabelledText(good + " "));
  EXPECT_FALSE(readLabelledText(good + "x"));
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(readLabelledText(good.substr(0, i))) << i;
    std::string other = good;
    other[i] = '~';
    EXPECT_FALSE(readLabelledText(other)) << other;
  }
  auto with = [&](const std::string &from, const std::string &to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  EXPECT_FALSE(readLabelledText(with("dtype=f32", "dtype=fp32")));
  EXPECT_FALSE(readLabelledText(with("causal=yes", "causal=true")));
  EXPECT_FALSE(readLabelledText(with("head_dim=64", "head_dim=064")));
  EXPECT_FALSE(
      readLabelledText(with("score=0:", "score=18446744073709551615:")));
}
