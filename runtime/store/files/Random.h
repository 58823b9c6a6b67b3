// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names that no other process draws, in a child of fork too: from the system.
#ifndef ATTN_JIT_RUNTIME_STORE_RANDOM_H
#define ATTN_JIT_RUNTIME_STORE_RANDOM_H

#include <string>
#include <sys/random.h>

namespace attn_jit::store {

/// 2 * `bytes` hexadecimal digits; at most 64 bytes.
inline std::string randomHex(size_t bytes) {
  unsigned char drawn[64] = {};
  // Up to 256 bytes are never cut short; EINTR comes only before the pool is
  // filled, at boot.
  while (getrandom(drawn, bytes, 0) < 0)
    ;
  std::string text;
  for (size_t i = 0; i < bytes; ++i)
    for (int part : {drawn[i] >> 4, drawn[i] & 15})
      text += "0123456789abcdef"[part];
  return text;
}

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_RANDOM_H
