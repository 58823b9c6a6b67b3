// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An object on disk: one zstd frame that says how many bytes it holds, and
// nothing behind it. Reading allocates no more than was expected, whatever the
// frame says. Private to the store.
#ifndef ATTN_JIT_RUNTIME_STORE_OBJECTFILE_H
#define ATTN_JIT_RUNTIME_STORE_OBJECTFILE_H

#include "runtime/store/Digest.h"

namespace attn_jit::store {

/// Of an object, as many as a remote's reply may have.
inline constexpr size_t mostObjectBytes = 64 << 20;
/// Of its file: what does not compress grows by less.
inline constexpr size_t mostFrameBytes = mostObjectBytes + (1 << 20);

std::string packObject(std::string_view bytes);

/// None unless the frame is whole and its bytes have that digest and, if one is
/// given, that length.
std::optional<std::string> unpackObject(std::string_view frame,
                                        const Digest &digest,
                                        std::optional<int64_t> bytes);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_OBJECTFILE_H
