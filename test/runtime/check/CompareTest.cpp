// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Norms by hand-made errors, and that NaN and unwritten elements never pass.
// Invariant: each way to be wrong has a case that fails, beside one that
// passes.

#include "runtime/check/Compare.h"

#include "runtime/check/Inputs.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace attn_jit::rt;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

class CompareOutput : public testing::Test {
protected:
  void SetUp() override {
    AttentionProblem problem;
    problem.query = *HostTensor::zeros(DType::F32, {1, 2, 100, 8});
    problem.key = *HostTensor::zeros(DType::F32, {1, 2, 50, 8});
    problem.value = *HostTensor::zeros(DType::F32, {1, 2, 50, 8});
    ASSERT_TRUE(fillInputs(problem.query, problem.key, problem.value, {}));
    problem.causal = true;
    reference = *referenceForward(problem, allRows(problem));
    sampled = *referenceForward(problem, sampleRows(problem, 40, 1));
    output = *HostTensor::zeros(DType::F32, {1, 2, 100, 8}, {0, 2, 1, 3});
    markUnwritten(output);
    for (int64_t i = 0; i < 200; ++i)
      for (int64_t d = 0; d < 8; ++d)
        output.store(output.at(0, i / 100, i % 100, d),
                     reference.outputRow(i)[d]);
  }
  ReferenceResult reference, sampled;
  HostTensor output;
};

} // namespace

TEST_F(CompareOutput, TheReferenceItselfPasses) {
  auto all = compareOutput(output, reference);
  ASSERT_TRUE(all) << all.error().text;
  EXPECT_TRUE(all->passes(*tolerance(DType::F32)));
  EXPECT_LT(all->relError, 1e-7);
  EXPECT_GT(all->relError, 0);
  EXPECT_NEAR(all->cosine, 1, 1e-12);
  EXPECT_EQ(all->elements, 1600);
  EXPECT_FALSE(all->sampled());
  auto some = compareOutput(output, sampled);
  ASSERT_TRUE(some);
  EXPECT_TRUE(some->sampled());
  EXPECT_TRUE(some->passes(2e-6));
  EXPECT_NE(toText(*some).find(" of 200 rows)"), std::string::npos);
}

TEST_F(CompareOutput, OneNaNFails) {
  output.store(output.at(0, 1, 99, 7), std::nan(""));
  auto result = compareOutput(output, reference);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->nonFinite, 1);
  EXPECT_EQ(result->unwritten, 0);
  EXPECT_FALSE(result->passes(1e9));
  output.store(output.at(0, 1, 99, 7), infinity);
  EXPECT_EQ(compareOutput(output, reference)->nonFinite, 1);
}

TEST_F(CompareOutput, UnwrittenRowsAreCounted) {
  for (DType type : {DType::F64, DType::F32, DType::F16, DType::BF16}) {
    HostTensor fresh = *HostTensor::zeros(type, {1, 2, 100, 8});
    markUnwritten(fresh);
    for (int64_t d = 0; d < 8; ++d)
      fresh.store(d, 0);
    auto result = compareOutput(fresh, reference);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->unwritten, 1592);
    EXPECT_EQ(result->nonFinite, 0);
    EXPECT_FALSE(result->passes(1e9));
    EXPECT_NE(toText(*result).find("1592 elements unwritten"),
              std::string::npos);
  }
}

TEST_F(CompareOutput, OneWrongRowFails) {
  for (int64_t d = 0; d < 8; ++d)
    output.store(output.at(0, 1, 70, d), 0);
  auto result = compareOutput(output, reference);
  EXPECT_FALSE(result->passes(*tolerance(DType::BF16)));
  EXPECT_EQ(result->worstRow, 170);
}

TEST_F(CompareOutput, WrongShapes) {
  auto result =
      compareOutput(*HostTensor::zeros(DType::F32, {1, 2, 100, 4}), reference);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().text.find("the reference has 200 rows of 8"),
            std::string::npos);
  EXPECT_FALSE(
      compareOutput(*HostTensor::zeros(DType::F32, {200, 8}), reference));
  EXPECT_FALSE(
      compareLse(*HostTensor::zeros(DType::F32, {1, 2, 99}), reference));
  EXPECT_FALSE(compareOutput(HostTensor(), reference));
}

TEST_F(CompareOutput, LseInfinitiesAgreeOrFail) {
  HostTensor lse = *HostTensor::zeros(DType::F32, {1, 2, 100});
  for (int64_t i = 0; i < 200; ++i)
    lse.store(i, reference.lse[i]);
  ASSERT_EQ(reference.lse[0], -infinity);
  auto result = compareLse(lse, reference);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->passes(2e-6)) << toText(*result);
  lse.store(0, 0);
  EXPECT_EQ(compareLse(lse, reference)->nonFinite, 1);
  lse.store(0, infinity);
  EXPECT_EQ(compareLse(lse, reference)->nonFinite, 1);
}

TEST(Compare, NormsOfKnownErrors) {
  HostTensor truth = *HostTensor::zeros(DType::F64, {2, 2});
  HostTensor output = *HostTensor::zeros(DType::F64, {2, 2});
  for (int i = 0; i < 4; ++i) {
    truth.store(i, 2);
    output.store(i, i == 3 ? 3 : 2);
  }
  auto result = compareTensors(output, truth);
  ASSERT_TRUE(result);
  EXPECT_DOUBLE_EQ(result->relError, 0.25);
  EXPECT_DOUBLE_EQ(result->maxAbsError, 1);
  EXPECT_DOUBLE_EQ(result->meanAbsError, 0.25);
  EXPECT_DOUBLE_EQ(result->cosine, 18 / (4 * std::sqrt(21.0)));
  EXPECT_EQ(result->worstRow, 1);
  EXPECT_FALSE(compareTensors(output, *HostTensor::zeros(DType::F64, {4})));
}

TEST(Compare, ZeroTruth) {
  HostTensor zero = *HostTensor::zeros(DType::F32, {4}), one = zero;
  EXPECT_TRUE(compareTensors(zero, zero)->passes(0));
  one = *HostTensor::zeros(DType::F32, {4});
  one.store(0, 1);
  EXPECT_FALSE(compareTensors(one, zero)->passes(5e-3));
}

TEST(Compare, NothingComparedDoesNotPass) {
  EXPECT_FALSE(Comparison().passes(1));
}

TEST(Compare, Tolerances) {
  EXPECT_EQ(tolerance(DType::F32), 2e-6);
  EXPECT_EQ(tolerance(DType::F16), 1e-3);
  EXPECT_EQ(tolerance(DType::BF16), 5e-3);
  EXPECT_FALSE(tolerance(DType::I8));
  EXPECT_EQ(tolerance(DType::F32, InputKind::Uniform), 2e-6);
  EXPECT_EQ(tolerance(DType::F32, InputKind::MaxStair), 1e-4);
  EXPECT_EQ(tolerance(DType::F16, InputKind::Sink), 4e-3);
  EXPECT_EQ(tolerance(DType::BF16, InputKind::Underflow), 2e-2);
  EXPECT_EQ(tolerance(DType::F32, InputKind::Normal, /*tf32=*/true), 1e-3);
  EXPECT_EQ(tolerance(DType::F32, InputKind::Sink, /*tf32=*/true), 2e-2);
}
