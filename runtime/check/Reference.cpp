// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scores, softmax and weighted sum of each chosen row, in double, heads one
// after another and rows in parallel. Invariant: a row's result depends on that
// row alone, so a sampled row equals the same row of a full run.

#include "runtime/check/Reference.h"

#include "runtime/tensor/CapturedInputs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/enumerable_thread_specific.h>
#include <oneapi/tbb/parallel_for.h>

// The inner loops are compiled twice and chosen when the library is loaded; a
// sanitizer's runtime is not up yet at that moment.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) &&                   \
    !defined(__SANITIZE_THREAD__) && !defined(ATTN_JIT_NO_CLONES)
#define ATTN_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define ATTN_CLONES
#endif

namespace attn_jit::rt {
namespace {

constexpr double minusInfinity = -std::numeric_limits<double>::infinity();

ATTN_CLONES double dot(const float *a, const float *b, int64_t count) {
  // Eight sums side by side, so that the loop is vectors without reordering.
  double sums[8] = {};
  int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int lane = 0; lane < 8; ++lane)
      sums[lane] += double(a[i + lane]) * double(b[i + lane]);
  for (; i < count; ++i)
    sums[0] += double(a[i]) * double(b[i]);
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) +
         ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

ATTN_CLONES void addScaled(double *into, double weight, const float *row,
                           int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    into[i] += weight * double(row[i]);
}

/// One key/value head as dense floats; f16, bf16 and f32 lose nothing in it.
void denseHead(const HostTensor &tensor, int64_t batch, int64_t head,
               std::vector<float> &into) {
  int64_t rows = tensor.dim(2), width = tensor.dim(3);
  into.resize(rows * width);
  tbb::parallel_for(int64_t(0), rows, [&](int64_t row) {
    tensor.loadRow(tensor.at(batch, head, row, 0), tensor.stride(3), width,
                   into.data() + row * width);
  });
}

struct Scratch {
  std::vector<float> query;
  std::vector<double> scores;
};

class Forward {
public:
  Forward(const AttentionProblem &problem, ReferenceResult &result)
      : problem(problem), result(result), queryHeads(problem.query.dim(1)),
        queryLen(problem.query.dim(2)), headDim(problem.query.dim(3)),
        keyLen(problem.key.dim(2)),
        headsPerKey(queryHeads / problem.key.dim(1)),
        scale(problem.scale != 0 ? problem.scale
                                 : 1 / std::sqrt(double(headDim))) {}

  void run() {
    // Rows ascend, so those of one key/value head are neighbours.
    int64_t rowsPerKeyHead = headsPerKey * queryLen;
    for (int64_t begin = 0; begin < result.rows.count();) {
      int64_t group = result.rows[begin] / rowsPerKeyHead;
      int64_t end = lowerBound((group + 1) * rowsPerKeyHead);
      int64_t kvHeads = problem.key.dim(1);
      denseHead(problem.key, group / kvHeads, group % kvHeads, keys);
      denseHead(problem.value, group / kvHeads, group % kvHeads, values);
      tbb::parallel_for(begin, end, [&](int64_t i) { computeRow(i); });
      begin = end;
    }
  }

private:
  /// First index whose row is at least \p row.
  int64_t lowerBound(int64_t row) const {
    if (result.rows.all)
      return std::min(row, result.rows.total);
    const auto &rows = result.rows.rows;
    return std::lower_bound(rows.begin(), rows.end(), row) - rows.begin();
  }

  /// Keys [0, n) that the causal mask lets this row see.
  int64_t causalEnd(int64_t row) const {
    if (!problem.causal)
      return keyLen;
    int64_t shift =
        problem.causalAlign == CausalAlign::BottomRight ? keyLen - queryLen : 0;
    return std::clamp<int64_t>(row + shift + 1, 0, keyLen);
  }

  void computeRow(int64_t i) {
    int64_t flat = result.rows[i], row = flat % queryLen;
    int64_t head = flat / queryLen % queryHeads;
    int64_t batch = flat / queryLen / queryHeads;
    Scratch &scratch = scratches.local();
    scratch.query.resize(headDim);
    problem.query.loadRow(problem.query.at(batch, head, row, 0),
                          problem.query.stride(3), headDim,
                          scratch.query.data());
    int64_t end = causalEnd(row);
    scratch.scores.resize(end);
    double maximum = minusInfinity;
    for (int64_t key = 0; key < end; ++key) {
      double score = minusInfinity;
      if (!problem.mask || problem.mask(batch, head, row, key)) {
        score = scale *
                dot(scratch.query.data(), keys.data() + key * headDim, headDim);
        if (problem.softcap > 0)
          score = problem.softcap * std::tanh(score / problem.softcap);
        if (problem.scoreMod)
          score = problem.scoreMod(score, batch, head, row, key);
      }
      scratch.scores[key] = score;
      // A NaN score must reach the output, so it must win here.
      maximum = score > maximum || std::isnan(score) ? score : maximum;
      if (std::isnan(maximum))
        break;
    }
    int64_t width = result.valueDim;
    double *output = result.output.data() + i * width;
    if (std::isnan(maximum)) {
      std::fill(output, output + width, maximum);
      result.lse[i] = maximum;
      return;
    }
    if (maximum == minusInfinity)
      return; // sees no key: zeros and -inf stand already
    double sum = 0;
    for (int64_t key = 0; key < end; ++key) {
      double weight = std::exp(scratch.scores[key] - maximum);
      sum += weight;
      // A key that the row does not see counts for nothing, whatever its value;
      // kernels, which multiply by tiles, ask for a finite one (attn.forward).
      if (weight != 0)
        addScaled(output, weight, values.data() + key * width, width);
    }
    for (int64_t d = 0; d < width; ++d)
      output[d] /= sum;
    result.lse[i] = maximum + std::log(sum);
  }

  const AttentionProblem &problem;
  ReferenceResult &result;
  int64_t queryHeads, queryLen, headDim, keyLen, headsPerKey;
  double scale;
  std::vector<float> keys, values;
  tbb::enumerable_thread_specific<Scratch> scratches;
};

} // namespace

Result<ReferenceResult> referenceForward(const AttentionProblem &problem,
                                         RowSet rows) {
  ATTN_CHECK(checkAttentionShapes(problem.query, problem.key, problem.value));
  for (const HostTensor *tensor :
       {&problem.query, &problem.key, &problem.value})
    if (!isFloatingPoint(tensor->type()) || tensor->type() == DType::F64)
      return badInput("the reference reads f16, bf16 and f32, not " +
                      std::string(name(tensor->type())));
  if (rows.total != allRows(problem).total ||
      (!rows.all && !rows.rows.empty() &&
       (rows.rows.front() < 0 || rows.rows.back() >= rows.total ||
        !std::is_sorted(rows.rows.begin(), rows.rows.end()))))
    return badInput("the row set is not one of this problem");
  ReferenceResult result;
  result.rows = std::move(rows);
  result.valueDim = problem.value.dim(3);
  result.output.assign(result.rows.count() * result.valueDim, 0);
  result.lse.assign(result.rows.count(), minusInfinity);
  Forward(problem, result).run();
  return result;
}

} // namespace attn_jit::rt
