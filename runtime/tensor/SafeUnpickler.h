// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pickle machine that can only build data: it runs nothing, imports nothing,
// and refuses any global it does not know. Invariant: what it returns is free
// of cycles, at most 64 levels deep, and small when written out.

#ifndef ATTN_JIT_RUNTIME_TENSOR_SAFEUNPICKLER_H
#define ATTN_JIT_RUNTIME_TENSOR_SAFEUNPICKLER_H

#include "runtime/Result.h"
#include "runtime/tensor/PtReader.h"

#include <functional>
#include <memory>
#include <span>
#include <string>

namespace attn_jit::rt {

/// Gives the bytes of a torch storage by its key, in host byte order. Called
/// once for each use; the element size is for swapping.
using StorageLoader = std::function<Result<std::shared_ptr<Storage>>(
    const std::string &key, size_t elementSize)>;

/// Error texts name the opcode's byte and carry no file name.
Result<PtRef> safeUnpickle(std::span<const std::byte> pickle,
                           const StorageLoader &loadStorage);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_TENSOR_SAFEUNPICKLER_H
