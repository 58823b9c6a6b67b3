// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference against closed forms and against a second, plain writing of the
// same sums. Invariant: expected values here come from formulas, never from the
// reference itself.

#include "runtime/check/Reference.h"

#include "runtime/check/Inputs.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace attn_jit::rt;

namespace {

struct Dims {
  int64_t batch = 2, queryHeads = 4, kvHeads = 2, queryLen = 7, kvLen = 9,
          headDim = 5, valueDim = 3;
};

AttentionProblem makeProblem(const Dims &dims, DType type = DType::F32,
                             const std::vector<unsigned> &order = {0, 1, 2,
                                                                   3}) {
  AttentionProblem problem;
  problem.query = *HostTensor::zeros(
      type, {dims.batch, dims.queryHeads, dims.queryLen, dims.headDim}, order);
  problem.key = *HostTensor::zeros(
      type, {dims.batch, dims.kvHeads, dims.kvLen, dims.headDim}, order);
  problem.value = *HostTensor::zeros(
      type, {dims.batch, dims.kvHeads, dims.kvLen, dims.valueDim}, order);
  EXPECT_TRUE(fillInputs(problem.query, problem.key, problem.value, {}));
  return problem;
}

ReferenceResult run(const AttentionProblem &problem) {
  auto result = referenceForward(problem, allRows(problem));
  EXPECT_TRUE(result) << result.error().text;
  return *result;
}

/// softmax(score) v by the definition, without subtracting a maximum.
std::vector<double> plainRow(const AttentionProblem &p, int64_t b, int64_t h,
                             int64_t row,
                             const std::function<bool(int64_t)> &sees,
                             const std::function<double(double)> &score,
                             double *lse) {
  int64_t kv = h / (p.query.dim(1) / p.key.dim(1));
  std::vector<double> output(p.value.dim(3), 0);
  double sum = 0;
  for (int64_t key = 0; key < p.key.dim(2); ++key) {
    if (!sees(key))
      continue;
    double dot = 0;
    for (int64_t d = 0; d < p.query.dim(3); ++d)
      dot += p.query.load(p.query.at(b, h, row, d)) *
             p.key.load(p.key.at(b, kv, key, d));
    double weight = std::exp(score(dot));
    sum += weight;
    for (size_t d = 0; d < output.size(); ++d)
      output[d] += weight * p.value.load(p.value.at(b, kv, key, d));
  }
  for (double &value : output)
    value = sum > 0 ? value / sum : 0;
  *lse = std::log(sum);
  return output;
}

void expectPlain(const AttentionProblem &p,
                 const std::function<bool(int64_t row, int64_t key)> &sees,
                 const std::function<double(double)> &score) {
  ReferenceResult result = run(p);
  int64_t heads = p.query.dim(1), length = p.query.dim(2);
  for (int64_t i = 0; i < result.rows.count(); ++i) {
    int64_t b = i / length / heads, h = i / length % heads, row = i % length;
    double lse = 0;
    auto want = plainRow(
        p, b, h, row, [&](int64_t key) { return sees(row, key); }, score, &lse);
    for (size_t d = 0; d < want.size(); ++d)
      ASSERT_NEAR(result.outputRow(i)[d], want[d], 1e-12) << i;
    if (std::isinf(lse))
      ASSERT_EQ(result.lse[i], lse) << i;
    else
      ASSERT_NEAR(result.lse[i], lse, 1e-12) << i;
  }
}

} // namespace

TEST(Reference, FullWithGroupedHeads) {
  for (DType type : {DType::F32, DType::F16, DType::BF16}) {
    AttentionProblem problem = makeProblem({}, type);
    expectPlain(
        problem, [](int64_t, int64_t) { return true; },
        [](double dot) { return dot / std::sqrt(5.0); });
  }
}

TEST(Reference, AnyStrides) {
  AttentionProblem dense = makeProblem({});
  ReferenceResult want = run(dense);
  for (const std::vector<unsigned> &order :
       {std::vector<unsigned>{0, 2, 1, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}})
    EXPECT_EQ(run(makeProblem({}, DType::F32, order)).output, want.output);
}

TEST(Reference, CausalAlignments) {
  for (auto [queryLen, kvLen] :
       {std::pair(7, 9), {9, 7}, {6, 6}, {1, 9}, {9, 1}}) {
    Dims dims;
    dims.queryLen = queryLen;
    dims.kvLen = kvLen;
    AttentionProblem problem = makeProblem(dims);
    problem.scale = 0.25;
    problem.causal = true;
    auto score = [](double dot) { return dot * 0.25; };
    expectPlain(
        problem,
        [&, kvLen = kvLen, queryLen = queryLen](int64_t row, int64_t key) {
          return queryLen - row <= kvLen - key;
        },
        score);
    problem.causalAlign = CausalAlign::TopLeft;
    expectPlain(
        problem, [](int64_t row, int64_t key) { return key <= row; }, score);
  }
}

TEST(Reference, RowThatSeesNothing) {
  Dims dims;
  dims.queryLen = 9;
  dims.kvLen = 7;
  AttentionProblem problem = makeProblem(dims);
  problem.causal = true;
  ReferenceResult result = run(problem);
  for (int64_t row : {0, 1}) {
    for (double value : result.outputRow(row))
      EXPECT_EQ(value, 0);
    EXPECT_EQ(result.lse[row], -std::numeric_limits<double>::infinity());
  }
  EXPECT_TRUE(std::isfinite(result.lse[2]));
}

TEST(Reference, SoftcapMaskAndScoreMod) {
  AttentionProblem problem = makeProblem({});
  problem.scale = 3;
  problem.softcap = 2;
  problem.mask = [](int64_t, int64_t, int64_t row, int64_t key) {
    return (row + key) % 3 != 0;
  };
  auto capped = [](double dot) { return 2 * std::tanh(dot * 3 / 2); };
  auto sees = [](int64_t row, int64_t key) { return (row + key) % 3 != 0; };
  expectPlain(problem, sees, capped);
  problem.scoreMod = [](double score, int64_t, int64_t, int64_t, int64_t) {
    return score * 0.5 - 1;
  };
  expectPlain(problem, sees, [&](double dot) { return capped(dot) * 0.5 - 1; });
}

TEST(Reference, GroupedHeadsShareOneKeyHead) {
  // v is constant in a key head, so the output names the head that was read.
  AttentionProblem problem = makeProblem({});
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t row = 0; row < 9; ++row)
        for (int64_t d = 0; d < 3; ++d)
          problem.value.store(problem.value.at(b, h, row, d), 10 * b + h);
  ReferenceResult result = run(problem);
  for (int64_t i = 0; i < result.rows.count(); ++i) {
    int64_t batch = i / 28, keyHead = i / 7 % 4 / 2;
    EXPECT_NEAR(result.outputRow(i)[0], double(10 * batch + keyHead), 1e-12);
  }
}

TEST(Reference, NaNReachesTheOutput) {
  AttentionProblem problem = makeProblem({});
  problem.query.store(problem.query.at(0, 1, 2, 0), std::nan(""));
  ReferenceResult result = run(problem);
  EXPECT_TRUE(std::isnan(result.outputRow(1 * 7 + 2)[0]));
  EXPECT_TRUE(std::isnan(result.lse[1 * 7 + 2]));
  EXPECT_FALSE(std::isnan(result.outputRow(1 * 7 + 3)[0]));
}

TEST(Reference, SampledRowsEqualFullRows) {
  Dims dims;
  dims.queryLen = 300;
  dims.kvLen = 40;
  AttentionProblem problem = makeProblem(dims, DType::F16);
  problem.causal = true;
  ReferenceResult full = run(problem);
  RowSet rows = sampleRows(problem, 200, 1);
  auto sampled = referenceForward(problem, rows);
  ASSERT_TRUE(sampled);
  ASSERT_FALSE(sampled->rows.all);
  for (int64_t i = 0; i < rows.count(); ++i) {
    EXPECT_EQ(sampled->lse[i], full.lse[rows[i]]);
    for (int64_t d = 0; d < 3; ++d)
      EXPECT_EQ(sampled->outputRow(i)[d], full.outputRow(rows[i])[d]);
  }
}

TEST(RowSet, HoldsEdgesAndDependsOnTheSeedAlone) {
  Dims dims;
  dims.queryLen = 300;
  AttentionProblem problem = makeProblem(dims);
  RowSet rows = sampleRows(problem, 150, 1);
  EXPECT_LE(rows.count(), 170);
  EXPECT_GE(rows.count(), 120);
  EXPECT_TRUE(std::is_sorted(rows.rows.begin(), rows.rows.end()));
  auto holds = [&](int64_t head, int64_t row) {
    return std::binary_search(rows.rows.begin(), rows.rows.end(),
                              head * 300 + row);
  };
  for (int64_t head = 0; head < 8; ++head) {
    EXPECT_TRUE(holds(head, 0) && holds(head, 299)) << head;
  }
  for (int64_t head : {0, 7})
    for (int64_t row : {63, 64, 127, 128, 255, 256})
      EXPECT_TRUE(holds(head, row)) << row;
  EXPECT_EQ(rows.rows, sampleRows(problem, 150, 1).rows);
  EXPECT_NE(rows.rows, sampleRows(problem, 150, 2).rows);
  EXPECT_TRUE(sampleRows(problem, 2400, 1).all);
  EXPECT_TRUE(rowsWithin(problem, 1e9).all);
  EXPECT_FALSE(rowsWithin(problem, 1e4).all);
}

TEST(Reference, Refusals) {
  AttentionProblem problem = makeProblem({});
  problem.key = problem.key.slice(3, 0, 4);
  auto result = referenceForward(problem, allRows(problem));
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().text.find("k head dim is 4; q's head dim, 5"),
            std::string::npos);
  problem = makeProblem({}, DType::F64);
  result = referenceForward(problem, allRows(problem));
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().text.find("not f64"), std::string::npos);
  problem = makeProblem({});
  RowSet rows;
  rows.total = 56;
  rows.all = false;
  rows.rows = {5, 56};
  result = referenceForward(problem, rows);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().text.find("row set"), std::string::npos);
}
