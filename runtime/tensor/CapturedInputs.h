// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The attention inputs a user captured: torch files, safetensors, or three .npy
// files, as one q, k, v form. Invariant: query, key and value have shape
// [batch, heads, rows, dim] and agree; their strides tell the layout. Each has
// a floating point type, not always the same.

#ifndef ATTN_JIT_RUNTIME_TENSOR_CAPTUREDINPUTS_H
#define ATTN_JIT_RUNTIME_TENSOR_CAPTUREDINPUTS_H

#include "runtime/Result.h"
#include "runtime/tensor/Tensor.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attn_jit::rt {

struct CapturedInputs {
  std::string
      name; ///< file stem, e.g. "minilm_input_000000", for a row's label
  std::string path;
  HostTensor query; ///< [batch, q_heads, q_len, head_dim]
  HostTensor key;   ///< [batch, kv_heads, kv_len, head_dim]
  HostTensor value; ///< [batch, kv_heads, kv_len, value_dim]
  /// Memory order of the query as its strides tell it: "bhsd", "bshd" or
  /// "strided".
  std::string layout;
  /// What the file says; absent when it says nothing.
  std::optional<bool> isCausal;
  /// It said `is_causal`, torch's word: row 0 stands at key 0. `causal` is that
  /// of FlashAttention, aligned at the last row.
  bool causalIsTorch = false;
  std::optional<double> scale;
  /// All captured keyword arguments as text, for showing.
  std::vector<std::pair<std::string, std::string>> kwargs;
};

/// The inputs of a folder, in reading order: *_input_*.pt by name, then
/// *.safetensors by name, then q.npy (with k.npy and v.npy beside it).
/// A path to one file is a list of that file. An empty list is an error.
Result<std::vector<std::string>> listCapturedInputs(const std::string &path);

/// Reads one entry of that list: its dimensions are batch, heads, rows, dim.
Result<CapturedInputs> readCapturedInputs(const std::string &path);

/// "bhsd", "bshd" or "strided", from the strides of a [batch, heads, rows, dim]
/// tensor.
std::string_view memoryLayout(const HostTensor &tensor);

/// One line naming the field at fault when q, k, v do not fit together.
Result<void> checkAttentionShapes(const HostTensor &query,
                                  const HostTensor &key,
                                  const HostTensor &value);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_TENSOR_CAPTUREDINPUTS_H
