// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Signing keys of tests, by a seed of one byte.
#ifndef ATTN_JIT_TEST_RUNTIME_STORE_TRUST_TESTKEYS_H
#define ATTN_JIT_TEST_RUNTIME_STORE_TRUST_TESTKEYS_H

#include "runtime/store/trust/Trust.h"

namespace attn_jit::store::test {

inline SigningKey signer(unsigned char seed) {
  std::array<unsigned char, 32> bytes{};
  bytes[0] = seed;
  return SigningKey::fromSeed(bytes);
}

/// A line of a key file.
inline std::string lineOf(unsigned char seed, const std::string &name = "") {
  TrustedKey key = signer(seed).publicKey();
  key.name = name;
  return key.line() + "\n";
}

inline std::string idOf(unsigned char seed) {
  return signer(seed).publicKey().id();
}

} // namespace attn_jit::store::test

#endif // ATTN_JIT_TEST_RUNTIME_STORE_TRUST_TESTKEYS_H
