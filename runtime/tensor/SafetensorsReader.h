// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a .safetensors file: a JSON header and raw tensors behind it.
// Invariant: every tensor's bytes lie inside the file and fit its dtype and
// shape exactly.

#ifndef ATTN_JIT_RUNTIME_TENSOR_SAFETENSORSREADER_H
#define ATTN_JIT_RUNTIME_TENSOR_SAFETENSORSREADER_H

#include "runtime/Result.h"
#include "runtime/tensor/Tensor.h"

#include <map>
#include <span>
#include <string>

namespace attn_jit::rt {

struct Safetensors {
  std::map<std::string, HostTensor> tensors;
  std::map<std::string, std::string> metadata; ///< the header's __metadata__
};

Result<Safetensors> readSafetensors(const std::string &path);
Result<Safetensors> readSafetensors(std::span<const std::byte> bytes,
                                    const std::string &name);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_TENSOR_SAFETENSORSREADER_H
