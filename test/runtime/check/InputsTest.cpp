// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Made inputs do what docs/inputs.md says of them.
// Invariant: scores are recomputed here from the tensors, rounded to their
// dtype as a kernel would see them.

#include "runtime/check/Inputs.h"

#include "runtime/check/Reference.h"

#include <cmath>
#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>

using namespace attn_jit::rt;

namespace {

struct Made {
  HostTensor query, key, value;
  double scale;

  double score(int64_t row, int64_t column) const {
    double dot = 0;
    for (int64_t d = 0; d < query.dim(3); ++d)
      dot += query.load(query.at(0, 0, row, d)) *
             key.load(key.at(0, 0, column, d));
    return dot * scale;
  }
};

Made make(InputKind kind, DType type, int64_t keys = 512, int64_t dim = 64,
          uint64_t seed = 20) {
  Made made{*HostTensor::zeros(type, {1, 2, 8, dim}),
            *HostTensor::zeros(type, {1, 1, keys, dim}),
            *HostTensor::zeros(type, {1, 1, keys, dim}),
            1 / std::sqrt(double(dim))};
  InputOptions options;
  options.kind = kind;
  options.seed = seed;
  EXPECT_TRUE(fillInputs(made.query, made.key, made.value, options));
  return made;
}

const DType types[] = {DType::F32, DType::F16, DType::BF16};

} // namespace

TEST(Inputs, NamesRoundTrip) {
  for (InputKind kind : allInputKinds())
    EXPECT_EQ(*parseInputKind(name(kind)), kind);
  EXPECT_EQ(allInputKinds().size(), 7u);
  auto wrong = parseInputKind("gaussian");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().text.find("input: 'gaussian' given"),
            std::string::npos);
}

TEST(Inputs, MomentsOfUniformAndNormal) {
  for (auto [kind, mean, variance] :
       {std::tuple(InputKind::Uniform, 0.5, 1.0 / 12),
        {InputKind::Normal, 0.0, 1.0}}) {
    Made made = make(kind, DType::F32, 4096);
    double sum = 0, squares = 0, neighbours = 0, last = 0;
    int64_t count = made.key.numElements();
    for (int64_t i = 0; i < count; ++i) {
      double value = made.key.load(i);
      sum += value;
      squares += (value - mean) * (value - mean);
      neighbours += (value - mean) * last;
      last = value - mean;
      if (kind == InputKind::Uniform)
        ASSERT_TRUE(value >= 0 && value <= 1);
    }
    // Four standard errors of each estimate.
    double n = double(count);
    EXPECT_NEAR(sum / n, mean, 4 * std::sqrt(variance / n));
    EXPECT_NEAR(squares / n, variance, 4 * variance * std::sqrt(2 / n));
    EXPECT_NEAR(neighbours / n, 0, 4 * variance / std::sqrt(n));
  }
}

TEST(Inputs, TensorsAndSeedsDiffer) {
  Made a = make(InputKind::Normal, DType::F32),
       b = make(InputKind::Normal, DType::F32, 512, 64, 21);
  EXPECT_NE(a.key.load(0), a.value.load(0));
  EXPECT_NE(a.key.load(0), a.query.load(0));
  EXPECT_NE(a.key.load(0), b.key.load(0));
}

TEST(Inputs, ThreadsAndStridesChangeNothing) {
  for (InputKind kind : allInputKinds()) {
    HostTensor dense[3], strided[3];
    for (int i = 0; i < 3; ++i) {
      std::vector<int64_t> shape = {2, 3, 33, i == 2 ? 5 : 7};
      dense[i] = *HostTensor::zeros(DType::F16, shape);
      strided[i] = *HostTensor::zeros(DType::F16, shape, {2, 0, 3, 1});
    }
    InputOptions options;
    options.kind = kind;
    ASSERT_TRUE(fillInputs(dense[0], dense[1], dense[2], options));
    tbb::global_control one(tbb::global_control::max_allowed_parallelism, 1);
    ASSERT_TRUE(fillInputs(strided[0], strided[1], strided[2], options));
    for (int i = 0; i < 3; ++i) {
      HostTensor copy = *strided[i].contiguous();
      for (int64_t e = 0; e < copy.numElements(); ++e)
        ASSERT_EQ(copy.load(e), dense[i].load(e)) << name(kind);
    }
  }
}

TEST(Inputs, CounterNormalIsWhatTensorsHold) {
  HostTensor tensors[3];
  for (HostTensor &tensor : tensors)
    tensor = *HostTensor::zeros(DType::F64, {1, 1, 3, 7});
  ASSERT_TRUE(fillInputs(tensors[0], tensors[1], tensors[2], {}));
  for (int64_t i = 0; i < 21; ++i)
    EXPECT_EQ(tensors[0].load(i), counterNormal(20, 1, i));
}

TEST(Inputs, ZeroScoresAndLivingValues) {
  Made made = make(InputKind::Zero, DType::F16);
  EXPECT_EQ(made.score(3, 17), 0);
  EXPECT_NE(made.value.load(0), 0);
}

TEST(Inputs, SinkIsTheFirstKey) {
  for (DType type : types) {
    Made made = make(InputKind::Sink, type);
    EXPECT_NEAR(made.score(2, 0), 20, 0.3);
    for (int64_t key = 1; key < 512; ++key)
      ASSERT_LT(made.score(2, key), 8);
  }
}

TEST(Inputs, LateSinkIsTheLastKey) {
  for (DType type : types) {
    Made made = make(InputKind::LateSink, type);
    EXPECT_NEAR(made.score(2, 511), 20, 0.3);
    for (int64_t key = 0; key < 511; ++key)
      ASSERT_LT(made.score(2, key), 8);
  }
}

TEST(Inputs, UnderflowLeavesZeroAndSubnormalWeights) {
  for (DType type : types) {
    Made made = make(InputKind::Underflow, type);
    EXPECT_NEAR(made.score(1, 0), -200, 2);
    EXPECT_NEAR(made.score(1, 1), -104, 1);
    EXPECT_NEAR(made.score(1, 2), -90, 1);
    EXPECT_LT(std::fabs(made.score(1, 3)), 8);
    EXPECT_EQ(std::exp(float(made.score(1, 0))), 0);
  }
}

TEST(Inputs, StairRisesAtEachTile) {
  for (DType type : types)
    for (int64_t keys : {512, 4096}) {
      Made made = make(InputKind::MaxStair, type, keys);
      double last = -1e30;
      for (int64_t tile = 0; tile < keys / 64; ++tile) {
        double maximum = -1e30;
        for (int64_t key = 0; key < 64; ++key)
          maximum = std::max(maximum, made.score(5, tile * 64 + key));
        ASSERT_GT(maximum, last) << name(type) << " tile " << tile;
        last = maximum;
      }
      EXPECT_LT(last, 270);
    }
}

TEST(Inputs, Refusals) {
  Made made = make(InputKind::Normal, DType::F16);
  HostTensor ints = *HostTensor::zeros(DType::I8, {1, 1, 512, 64});
  auto result = fillInputs(made.query, made.key, ints, {});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().text.find("not i8"), std::string::npos);
  InputOptions options;
  options.stairRows = 0;
  result = fillInputs(made.query, made.key, made.value, options);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().text.find("stair rows are 0"), std::string::npos);
}
