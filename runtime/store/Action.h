// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What was made for a key: which object, and the launch manifest beside it. Its
// digest is that of the key, so that it is found before anything is compiled;
// the object's digest is that of its bytes.
//
//   action    ::= body "\n" signature*
//   body      ::= canonical JSON on one line:
//                 {"format": "attn-jit.action.v1", "key": {label: value, ...},
//                  "kind": "ptx", "object": SHA-256, "bytes": n,
//                  "manifest": text}
//   signature ::= "signature ed25519 " key-id " " base64 "\n"
//
// A signature covers the body's bytes as they stand (Trust.h). Text that is not
// byte for byte what text() writes is refused, so there is one text to sign.
#ifndef ATTN_JIT_RUNTIME_STORE_ACTION_H
#define ATTN_JIT_RUNTIME_STORE_ACTION_H

#include "runtime/store/Key.h"

namespace attn_jit::store {

struct Signature {
  std::string keyId, base64; ///< of the signer; 64 bytes
  bool operator==(const Signature &) const = default;
};

struct Action {
  Key key;
  std::string kind;     ///< "ptx", "cubin", "hsaco", "host"
  Digest object;        ///< of its bytes as stored
  int64_t bytes = 0;    ///< of the object
  std::string manifest; ///< JSON, docs/manifest.md
  std::vector<Signature> signatures;

  std::string body() const;
  std::string text() const;
  /// At most this many bytes are read as one.
  static constexpr size_t most = 4 << 20;
  static rt::Result<Action> parse(std::string_view text);
};

/// Machine code that a driver's assembler could make again is of that driver
/// and stays on its host; all else may go to remotes and into packs.
bool travels(const Action &action);

/// An action and its object's bytes, which have the digest that it says.
struct Entry {
  Action action;
  std::string object;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_ACTION_H
