// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A lease says: whoever signed this compiles that key now. Hosts that would run
// what he makes may wait for it a moment instead of compiling it too. Text:
//
//   lease ::= "attn-jit.lease.v1\n"
//             "key " the key's digest "\n"
//             "holder " 16 hexadecimal digits, of one look-up "\n"
//             "issued " milliseconds since 1970 "\n"
//             "valid " milliseconds "\n"
//             "signature ed25519 " key-id " " base64 "\n"
//
// The signature is of the lines before it (Domain::Lease). It makes no code
// run: what comes is verified as always.
#ifndef ATTN_JIT_RUNTIME_STORE_LEASE_H
#define ATTN_JIT_RUNTIME_STORE_LEASE_H

#include "runtime/store/trust/Trust.h"

#include <chrono>

namespace attn_jit::store {

struct Lease {
  Digest key;
  std::string holder;
  std::chrono::milliseconds issued{}; ///< since 1970, by the holder's clock
  std::chrono::milliseconds valid{};

  /// Longer than most compilations take. A holder that died costs the others
  /// what is left of it; one that is slower is not waited for.
  static constexpr std::chrono::milliseconds mostValid{1000};
  /// How far clocks may be apart. A server that keeps what it should forget
  /// delays nobody for longer.
  static constexpr std::chrono::milliseconds clocksApart{5000};

  /// A new one of this moment, and its holder's alone.
  static Lease of(const Digest &key);
  std::string text(const SigningKey &signer) const;
  /// Of a stranger's text: for exactly that key, by a listed key, and of about
  /// this moment. Else one sentence about "it".
  static rt::Result<Lease> open(std::string_view text, const Digest &wanted,
                                const TrustedKeys &keys,
                                std::chrono::milliseconds now = clock());
  /// Since 1970.
  static std::chrono::milliseconds clock();
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_LEASE_H
