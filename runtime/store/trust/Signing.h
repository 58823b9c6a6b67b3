// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What signing and verifying share: the bytes that a signature is of, and
// base64 of which each value has one text.
#ifndef ATTN_JIT_RUNTIME_STORE_SIGNING_H
#define ATTN_JIT_RUNTIME_STORE_SIGNING_H

#include "runtime/store/trust/Trust.h"

namespace attn_jit::store {

/// "attn-jit." domain ".v1\0" and the bytes.
std::string signedBytes(Domain domain, std::string_view bytes);

std::string base64(std::span<const unsigned char> bytes);
/// Fills `bytes` from exactly the text that base64() writes of them.
bool readBase64(std::string_view text, std::span<unsigned char> bytes);

/// libsodium is ready, once a process.
bool startSodium();

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_SIGNING_H
