// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention inputs made from a seed: random ones, and ones chosen to break an
// online softmax (docs/inputs.md). Invariant: an element depends on kind, seed
// and logical position only, not on threads, strides or tensor order.

#ifndef ATTN_JIT_RUNTIME_CHECK_INPUTS_H
#define ATTN_JIT_RUNTIME_CHECK_INPUTS_H

#include "runtime/Result.h"
#include "runtime/tensor/Tensor.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace attn_jit::rt {

enum class InputKind {
  Uniform,
  Normal,
  Zero,
  Sink,
  Underflow,
  LateSink,
  MaxStair
};

/// "uniform", "normal", "zero", "sink", "underflow", "latesink", "maxstair".
std::string_view name(InputKind kind);
Result<InputKind> parseInputKind(std::string_view text);
const std::vector<InputKind> &allInputKinds();

struct InputOptions {
  InputKind kind = InputKind::Normal;
  uint64_t seed = 20;
  double scale = 0; ///< of the scores, which the adversarial kinds aim at; 0
                    ///< stands for 1/sqrt(head_dim)
  int64_t stairRows = 64; ///< maxstair: keys a step
};

/// Fills [batch, heads, rows, dim] tensors of any strides and floating type.
Result<void> fillInputs(HostTensor &query, HostTensor &key, HostTensor &value,
                        const InputOptions &options);

/// The counter-based generators beneath, for other tensors: element = f(seed,
/// stream, index).
uint64_t counterBits(uint64_t seed, uint64_t stream, uint64_t index);
double counterUniform(uint64_t seed, uint64_t stream,
                      uint64_t index); ///< [0, 1)
double counterNormal(uint64_t seed, uint64_t stream, uint64_t index);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_CHECK_INPUTS_H
