// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which query rows the reference computes when all would take too long.
// Invariant: the choice depends on shape, count and seed alone.

#include "runtime/check/Inputs.h"
#include "runtime/check/Reference.h"

#include <algorithm>
#include <cmath>

namespace attn_jit::rt {
namespace {

/// Rows where a kernel's tiles begin and end, if its tile is 64 or 128 rows or
/// a divisor of those: the first tiles' and the last's.
std::vector<int64_t> edgeRows(int64_t length) {
  std::vector<int64_t> rows = {0, length - 1};
  for (int64_t tile : {64, 128}) {
    int64_t last = (length - 1) / tile * tile;
    for (int64_t row : {tile - 1, tile, last - 1, last})
      if (row >= 0 && row < length)
        rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

} // namespace

RowSet allRows(const AttentionProblem &problem) {
  RowSet set;
  set.total =
      problem.query.dim(0) * problem.query.dim(1) * problem.query.dim(2);
  return set;
}

RowSet sampleRows(const AttentionProblem &problem, int64_t count,
                  uint64_t seed) {
  RowSet set = allRows(problem);
  if (count >= set.total)
    return set;
  set.all = false;
  int64_t length = problem.query.dim(2), heads = set.total / length;
  const std::vector<int64_t> edges = edgeRows(length);
  auto add = [&](int64_t head, int64_t row) {
    set.rows.push_back(head * length + row);
  };
  for (int64_t head = 0; head < heads; ++head) {
    add(head, 0);
    add(head, length - 1);
  }
  // First and last head in full, the others while half of the count is free.
  for (int64_t step = 0; step < heads; ++step) {
    int64_t head = step == 0 ? 0 : step == 1 ? heads - 1 : step - 1;
    if (step > 1 && int64_t(set.rows.size()) > count / 2)
      break;
    for (int64_t row : edges)
      add(head, row);
  }
  for (int64_t i = 0; int64_t(set.rows.size()) < count; ++i)
    set.rows.push_back(counterBits(seed, /*stream=*/7, i) % set.total);
  std::sort(set.rows.begin(), set.rows.end());
  set.rows.erase(std::unique(set.rows.begin(), set.rows.end()), set.rows.end());
  return set;
}

RowSet rowsWithin(const AttentionProblem &problem, double multiplyAdds,
                  uint64_t seed) {
  double perRow = double(problem.key.dim(2)) *
                  double(problem.query.dim(3) + problem.value.dim(3));
  double affordable = std::max(1.0, std::floor(multiplyAdds / perRow));
  RowSet all = allRows(problem);
  if (affordable >= double(all.total))
    return all;
  return sampleRows(problem, int64_t(affordable), seed);
}

} // namespace attn_jit::rt
