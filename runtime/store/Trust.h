// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whose code runs: that of this owner's own store, and what a listed key has
// signed (Ed25519, libsodium). Keys come from one file, which belongs to this
// user or root and which nobody else can write: $ATTN_JIT_CONFIG/trusted_keys,
// else $XDG_CONFIG_HOME/attn-jit/trusted_keys, else
// $HOME/.config/attn-jit/trusted_keys; never from a URL or the folder where a
// program was started.
//
//   file ::= (key | revoked | comment)*
//   key  ::= "ed25519 " base64 of 32 bytes (" " name)? "\n"
//   revoked ::= "revoked " key-id (" " why)? "\n"    stays, whatever is listed
//   key-id  ::= the first 16 hexadecimal digits of the key's SHA-256
//
// A signature is of "attn-jit." domain ".v1\0" and the bytes, so that one of a
// record is none of an action.
#ifndef ATTN_JIT_RUNTIME_STORE_TRUST_H
#define ATTN_JIT_RUNTIME_STORE_TRUST_H

#include "runtime/store/Action.h"

#include <span>

namespace attn_jit::store {

/// What is signed: actions, records, packs, jobs.
enum class Domain { Action, Record, Pack, Job };

struct TrustedKey {
  std::array<unsigned char, 32> bytes{};
  std::string name;
  std::string id() const;
};

class TrustedKeys {
public:
  /// None where there is no file. The error says what is wrong with the file:
  /// then nothing foreign runs.
  static rt::Result<TrustedKeys> load();
  static rt::Result<TrustedKeys> load(const std::string &path);
  static std::string defaultPath();

  const std::vector<TrustedKey> &keys() const { return listed; }
  bool revoked(std::string_view keyId) const;
  /// The id of the first listed, unrevoked key whose signature of these bytes
  /// is among `signatures`; the error says why there is none.
  rt::Result<std::string> verify(Domain domain, std::string_view bytes,
                                 std::span<const Signature> signatures) const;

private:
  std::vector<TrustedKey> listed;
  std::vector<std::string> revokedIds;
};

/// A private key, 0600, of this user; "attn-jit-signing-key ed25519 " base64.
class SigningKey {
public:
  static rt::Result<SigningKey> load(const std::string &path);
  /// A new one into a file that must not exist.
  static rt::Result<SigningKey> generate(const std::string &path);

  TrustedKey publicKey() const;
  Signature sign(Domain domain, std::string_view bytes) const;

private:
  std::array<unsigned char, 64> bytes{};
};

/// Edits of the file, whole or not at all; both are idempotent.
rt::Status trustKey(const std::string &path, const TrustedKey &key);
rt::Status revokeKey(const std::string &path, const std::string &keyId,
                     const std::string &why);

/// The object of `entry` may run for exactly `wanted`: the key is that, the
/// object has its digest and length, and a listed key signed the action. The
/// signer's id.
rt::Result<std::string> verifyEntry(const TrustedKeys &keys, const Key &wanted,
                                    const Entry &entry);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_TRUST_H
