// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// SHA-256 by the processor's own instructions (x86 SHA extensions). Objects are
// hashed at every load: libsodium's portable code takes 1 to 2 ms for a kernel
// of 200 KB, these take 0.1.
#ifndef ATTN_JIT_RUNTIME_STORE_SHA256INSTRUCTIONS_H
#define ATTN_JIT_RUNTIME_STORE_SHA256INSTRUCTIONS_H

#include "runtime/store/Digest.h"

namespace attn_jit::store {

/// None where this processor lacks them.
std::optional<Digest> sha256ByInstructions(std::string_view bytes);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_SHA256INSTRUCTIONS_H
