// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/trust/Trust.h"

#include "runtime/Printable.h"
#include "runtime/store/trust/Signing.h"

#include <algorithm>
#include <sodium.h>

using namespace attn_jit;
using namespace attn_jit::store;

/// As many as one action may have (Action.cpp).
static constexpr size_t mostSignatures = 16;

static std::string shown(const TrustedKey &key) {
  return key.id() + (key.name.empty() ? "" : " (" + key.name + ")");
}

static bool verifies(const TrustedKey &key, const std::string &message,
                     const Signature &signature) {
  std::array<unsigned char, crypto_sign_BYTES> bytes;
  return readBase64(signature.base64, bytes) &&
         crypto_sign_verify_detached(
             bytes.data(),
             reinterpret_cast<const unsigned char *>(message.data()),
             message.size(), key.bytes.data()) == 0;
}

const Revocation *TrustedKeys::revocation(std::string_view keyId) const {
  auto found = std::ranges::find(revokedOnes, keyId, &Revocation::keyId);
  return found == revokedOnes.end() ? nullptr : &*found;
}

rt::Result<std::string>
TrustedKeys::verify(Domain domain, std::string_view bytes,
                    std::span<const Signature> signatures) const {
  startSodium();
  const std::string message = signedBytes(domain, bytes);
  std::string wrong;
  for (const TrustedKey &key : listed) {
    const std::string id = key.id();
    if (revoked(id))
      continue;
    for (const Signature &signature : signatures) {
      if (signature.keyId != id)
        continue;
      if (verifies(key, message, signature))
        return id;
      wrong = "the signature of " + shown(key) + " on it does not verify";
    }
  }
  if (!wrong.empty())
    return rt::badInput(std::move(wrong));
  for (const Signature &signature : signatures)
    if (const Revocation *found = revocation(signature.keyId))
      return rt::badInput("it is signed by a revoked key: " + found->keyId +
                          (found->why.empty() ? "" : ", " + found->why));
  if (!signatures.empty())
    return rt::badInput("it is signed by a key that is not listed: " +
                        rt::printable(signatures.front().keyId, 16));
  return rt::badInput("it is unsigned");
}

void attn_jit::store::signAction(const SigningKey &key, Action &action) {
  const Signature made = key.sign(Domain::Action, action.body());
  std::erase_if(action.signatures, [&](const Signature &each) {
    return each.keyId == made.keyId;
  });
  action.signatures.push_back(made);
}

Action attn_jit::store::merged(const Action &one, const Action &other) {
  const std::string body = one.body(), otherBody = other.body();
  if (body != otherBody)
    return sha256(body) < sha256(otherBody) ? one : other;
  Action both = one;
  both.signatures.insert(both.signatures.end(), other.signatures.begin(),
                         other.signatures.end());
  auto value = [](const Signature &each) {
    return std::pair<std::string_view, std::string_view>(each.keyId,
                                                         each.base64);
  };
  std::ranges::sort(both.signatures, {}, value);
  const auto twice = std::ranges::unique(both.signatures);
  both.signatures.erase(twice.begin(), twice.end());
  if (both.signatures.size() > mostSignatures)
    both.signatures.resize(mostSignatures);
  return both;
}

/// Long values are shown from a little before they part.
static std::string excerpt(const std::string &value, const std::string &other) {
  constexpr size_t most = 120, before = 40;
  const size_t same =
      size_t(std::ranges::mismatch(value, other).in1 - value.begin());
  if (value.size() <= most || same <= before)
    return "'" + rt::printable(value, most) + "'";
  return "'..." + rt::printable(value.substr(same - before), most) + "'";
}

static rt::Error otherKey(const Key &wanted, const Key &there) {
  const std::string head = "it was made for another key: ";
  const auto found = difference(wanted, there);
  if (found.empty())
    return rt::badInput(head + "the same fields stand in another order");
  const FieldDifference &first = found.front();
  const std::string label = rt::printable(first.label, 40);
  if (!first.there)
    return rt::badInput(head + label + " is absent, wanted is " +
                        excerpt(*first.wanted, ""));
  if (!first.wanted)
    return rt::badInput(head + label + " is " + excerpt(*first.there, "") +
                        ", which was not asked for");
  return rt::badInput(head + label + " is " +
                      excerpt(*first.there, *first.wanted) + ", wanted is " +
                      excerpt(*first.wanted, *first.there));
}

rt::Result<std::string> attn_jit::store::verifyEntry(const TrustedKeys &keys,
                                                     const Key &wanted,
                                                     const Entry &entry) {
  const Action &action = entry.action;
  ATTN_TRY(std::string signer,
           keys.verify(Domain::Action, action.body(), action.signatures));
  if (action.key != wanted)
    return otherKey(wanted, action.key);
  if (action.bytes < 0 || uint64_t(action.bytes) != entry.object.size())
    return rt::badInput(
        "its object has " + std::to_string(entry.object.size()) +
        " bytes, its action says " + std::to_string(action.bytes));
  if (const Digest digest = sha256(entry.object); digest != action.object)
    return rt::badInput("its object has the digest " + digest.hex() +
                        ", its action says " + action.object.hex());
  return signer;
}
