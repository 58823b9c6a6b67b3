// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whose code runs: that of this owner's own store, and what a listed key has
// signed (Ed25519, libsodium). Keys come from one file, which belongs to this
// user or root and which nobody else can write (OwnedFile.h):
// $ATTN_JIT_CONFIG/trusted_keys, else $XDG_CONFIG_HOME/attn-jit/trusted_keys,
// else $HOME/.config/attn-jit/trusted_keys; never from a URL or the folder
// where a program was started.
//
//   file    ::= ((key | revoked | comment)? ("\n" | "\r\n"))*
//   key     ::= "ed25519 " base64 of 32 bytes (" " name)?
//   revoked ::= "revoked " key-id (" " why)?     holds, whatever is listed
//   comment ::= "#" text
//   key-id  ::= the first 16 hexadecimal digits of the key's SHA-256
//
// Lines have at most 1024 bytes and no control characters; the last one may
// lack its end. A key that stands twice is one key, by its first name. Any
// other line makes the whole file refused: half a list is no list.
//
// A signature is of "attn-jit." domain ".v1\0" and the bytes, so that one of a
// record is none of an action. Nothing that was verified is remembered: every
// load verifies anew, by the file as it is read then.
#ifndef ATTN_JIT_RUNTIME_STORE_TRUST_H
#define ATTN_JIT_RUNTIME_STORE_TRUST_H

#include "runtime/store/Action.h"

#include <span>

namespace attn_jit::store {

/// What is signed: actions, records, packs, jobs, leases.
enum class Domain { Action, Record, Pack, Job, Lease };

struct TrustedKey {
  std::array<unsigned char, 32> bytes{};
  std::string name;
  std::string id() const;
  /// Its line in a key file and what a builder hands out, without the end.
  std::string line() const;
  /// Of such a line. The error says what is wrong with it.
  static rt::Result<TrustedKey> parse(std::string_view line);
};

struct Revocation {
  std::string keyId, why;
  std::string line() const;
  static rt::Result<Revocation> parse(std::string_view line);
};

class TrustedKeys {
public:
  /// None where there is no file. The error says what is wrong with the file:
  /// then nothing foreign runs.
  static rt::Result<TrustedKeys> load();
  static rt::Result<TrustedKeys> load(const std::string &path);
  /// A file's text; errors begin with `name`.
  static rt::Result<TrustedKeys> parse(std::string_view text,
                                       const std::string &name);
  /// Empty where the environment names no folder. A relative $ATTN_JIT_CONFIG
  /// is an error, a relative $XDG_CONFIG_HOME is passed over, as XDG asks.
  static rt::Result<std::string> defaultPath();
  static constexpr size_t mostBytes = 1 << 20;

  const std::vector<TrustedKey> &keys() const { return listed; }
  const std::vector<Revocation> &revocations() const { return revokedOnes; }
  bool revoked(std::string_view keyId) const { return revocation(keyId); }
  /// The id of the first listed, unrevoked key whose signature of these bytes
  /// is among `signatures`. Else the error is one sentence about "it": that no
  /// listed key's signature verifies, or that the signer is revoked, or not
  /// listed, or that there is no signature; of several the first in this order.
  rt::Result<std::string> verify(Domain domain, std::string_view bytes,
                                 std::span<const Signature> signatures) const;

private:
  const Revocation *revocation(std::string_view keyId) const;

  std::vector<TrustedKey> listed;
  std::vector<Revocation> revokedOnes;
};

/// A private key, 0600, of this user: "attn-jit-signing-key ed25519 ", base64
/// of its 32-byte seed, "\n".
class SigningKey {
public:
  static rt::Result<SigningKey> load(const std::string &path);
  /// A new one into a file that must not exist; absent folders are made, 0700.
  static rt::Result<SigningKey> generate(const std::string &path);
  /// $ATTN_JIT_CONFIG/signing_key and so on, beside TrustedKeys::defaultPath():
  /// with which a user signs what is made; null where there is no such file.
  static rt::Result<std::optional<SigningKey>> ofUser();
  static SigningKey fromSeed(const std::array<unsigned char, 32> &seed);
  SigningKey(const SigningKey &) = default;
  SigningKey &operator=(const SigningKey &) = default;
  ~SigningKey(); ///< leaves no copy of it in memory

  TrustedKey publicKey() const;
  Signature sign(Domain domain, std::string_view bytes) const;

private:
  SigningKey() = default;

  std::array<unsigned char, 64> bytes{};
};

/// Edits of the file, whole or not at all; both are idempotent, keep comments
/// and order, and wait for one another. A file that is not understood is left
/// as it is, and so is one where `key` is revoked.
rt::Status trustKey(const std::string &path, const TrustedKey &key);
rt::Status revokeKey(const std::string &path, const std::string &keyId,
                     const std::string &why);

/// Adds the signature of `key` to an action, once.
void signAction(const SigningKey &key, Action &action);

/// Of two actions for one key, what is kept, whichever came first: of one body
/// all signatures (the first sixteen in their order), of two bodies the one of
/// the smaller digest.
Action merged(const Action &one, const Action &other);

/// The object of `entry` may run for exactly `wanted`: a listed key signed the
/// action, its key is that, field by field, and the object has the length and
/// the digest that it says; checked in this order. The signer's id; or one
/// sentence about "it" with the reason.
rt::Result<std::string> verifyEntry(const TrustedKeys &keys, const Key &wanted,
                                    const Entry &entry);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_TRUST_H
