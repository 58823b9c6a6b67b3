// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a .npy file, versions 1 to 3, little and big endian, C and Fortran
// order (the latter as strides). Invariant: the header is parsed as the one
// dict literal it may be; nothing in it is evaluated.

#ifndef ATTN_JIT_RUNTIME_TENSOR_NPYREADER_H
#define ATTN_JIT_RUNTIME_TENSOR_NPYREADER_H

#include "runtime/Result.h"
#include "runtime/tensor/Tensor.h"

#include <span>
#include <string>

namespace attn_jit::rt {

Result<HostTensor> readNpy(const std::string &path);
Result<HostTensor> readNpy(std::span<const std::byte> bytes,
                           const std::string &name);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_TENSOR_NPYREADER_H
