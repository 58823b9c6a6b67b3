// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes a tensor as .npy version 1, C order.
// Invariant: the file appears whole under its name or not at all (temporary
// file, then rename).

#ifndef ATTN_JIT_RUNTIME_TENSOR_NPYWRITER_H
#define ATTN_JIT_RUNTIME_TENSOR_NPYWRITER_H

#include "runtime/Result.h"
#include "runtime/tensor/Tensor.h"

#include <string>

namespace attn_jit::rt {

/// bf16 has no numpy type and is widened to f32, which loses nothing.
Result<void> writeNpy(const std::string &path, const HostTensor &tensor);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_TENSOR_NPYWRITER_H
