// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention forward in double precision on host tensors: what every kernel is
// judged by. Invariant: the masks here are written out anew; no mask or region
// code of the compiler is used.

#ifndef ATTN_JIT_RUNTIME_CHECK_REFERENCE_H
#define ATTN_JIT_RUNTIME_CHECK_REFERENCE_H

#include "runtime/Result.h"
#include "runtime/tensor/Tensor.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace attn_jit::rt {

/// Which corner of the score matrix the causal diagonal runs into. They differ
/// when q_len != kv_len.
enum class CausalAlign { BottomRight, TopLeft };

struct AttentionProblem {
  HostTensor query; ///< [batch, q_heads, q_len, head_dim], any strides,
                    ///< f16/bf16/f32
  HostTensor key;   ///< [batch, kv_heads, kv_len, head_dim]
  HostTensor value; ///< [batch, kv_heads, kv_len, value_dim]
  double scale = 0; ///< 0 stands for 1/sqrt(head_dim)
  bool causal = false;
  CausalAlign causalAlign = CausalAlign::BottomRight;
  double softcap =
      0; ///< c > 0: score becomes c * tanh(score / c), after scaling
  /// Further score modification, after scaling and softcap. Called from several
  /// threads.
  std::function<double(double score, int64_t batch, int64_t head, int64_t row,
                       int64_t key)>
      scoreMod;
  /// Further mask; a key is seen when causal and this both allow it. Called
  /// from several threads.
  std::function<bool(int64_t batch, int64_t head, int64_t row, int64_t key)>
      mask;
};

/// Query rows to compute, as (batch * q_heads + head) * q_len + row, ascending.
struct RowSet {
  std::vector<int64_t> rows; ///< empty when all
  int64_t total = 0;         ///< rows of the whole problem
  bool all = true;

  int64_t count() const { return all ? total : int64_t(rows.size()); }
  int64_t operator[](int64_t i) const { return all ? i : rows[i]; }
};

RowSet allRows(const AttentionProblem &problem);
/// Every head's first and last row, the tile-edge rows (multiples of 64 and
/// 128 and their neighbours) of the first and the last head and of as many
/// heads between as fit, and random rows; about \p count in all.
RowSet sampleRows(const AttentionProblem &problem, int64_t count,
                  uint64_t seed);
/// All rows when that costs at most \p multiplyAdds, else a sample of that
/// cost.
RowSet rowsWithin(const AttentionProblem &problem, double multiplyAdds = 2e10,
                  uint64_t seed = 0);

struct ReferenceResult {
  RowSet rows;
  int64_t valueDim = 0;
  std::vector<double> output; ///< rows.count() x value_dim
  std::vector<double>
      lse; ///< natural log; -inf for a row that sees no key (its output is 0)

  std::span<const double> outputRow(int64_t i) const {
    return {output.data() + i * valueDim, size_t(valueDim)};
  }
};

Result<ReferenceResult> referenceForward(const AttentionProblem &problem,
                                         RowSet rows);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_CHECK_REFERENCE_H
