// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Only the seed is kept in a file: the public half that signing needs follows
// from it, so that the two cannot disagree, which would give the key away.
#include "runtime/Printable.h"
#include "runtime/store/files/OwnedFile.h"
#include "runtime/store/trust/Signing.h"

#include <algorithm>
#include <sodium.h>

using namespace attn_jit;
using namespace attn_jit::store;

static constexpr std::string_view head = "attn-jit-signing-key ed25519 ";

bool attn_jit::store::startSodium() {
  static const bool ready = sodium_init() >= 0;
  return ready;
}

std::string attn_jit::store::signedBytes(Domain domain,
                                         std::string_view bytes) {
  static constexpr std::string_view names[] = {"action", "record", "pack",
                                               "job", "lease"};
  std::string result = "attn-jit.";
  result.reserve(32 + bytes.size());
  result += names[int(domain)];
  result += ".v1";
  result += '\0';
  return result += bytes;
}

std::string attn_jit::store::base64(std::span<const unsigned char> bytes) {
  std::string text(
      sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL),
      '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back(); // the end of a C string
  return text;
}

bool attn_jit::store::readBase64(std::string_view text,
                                 std::span<unsigned char> bytes) {
  size_t size = 0;
  return sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(),
                           nullptr, &size, nullptr,
                           sodium_base64_VARIANT_ORIGINAL) == 0 &&
         size == bytes.size() && base64(bytes) == text;
}

SigningKey::~SigningKey() { sodium_memzero(bytes.data(), bytes.size()); }

SigningKey SigningKey::fromSeed(const std::array<unsigned char, 32> &seed) {
  SigningKey key;
  std::array<unsigned char, 32> publicHalf;
  crypto_sign_seed_keypair(publicHalf.data(), key.bytes.data(), seed.data());
  return key;
}

rt::Result<SigningKey> SigningKey::load(const std::string &path) {
  ATTN_TRY(std::string text, readOwnedFile(path, {256, /*secret=*/true}));
  std::array<unsigned char, 32> seed;
  const bool read = text.starts_with(head) && text.ends_with('\n') &&
                    readBase64(std::string_view(text).substr(
                                   head.size(), text.size() - head.size() - 1),
                               seed);
  sodium_memzero(text.data(), text.size());
  if (!read)
    return rt::badInput(rt::printable(path, 200) +
                        ": is no signing key: " + "its one line is '" +
                        std::string(head) + "' and 44 characters of base64");
  SigningKey key = fromSeed(seed);
  sodium_memzero(seed.data(), seed.size());
  return key;
}

rt::Result<std::optional<SigningKey>> SigningKey::ofUser() {
  ATTN_TRY(std::string path, TrustedKeys::defaultPath());
  if (path.empty())
    return std::optional<SigningKey>();
  path.replace(path.rfind('/') + 1, std::string::npos, "signing_key");
  auto key = load(path);
  if (!key && key.error().code == rt::ErrorCode::NotFound)
    return std::optional<SigningKey>();
  ATTN_TRY(SigningKey own, std::move(key));
  return std::optional(std::move(own));
}

rt::Result<SigningKey> SigningKey::generate(const std::string &path) {
  if (!startSodium())
    return rt::failed("libsodium finds no source of random numbers");
  ATTN_TRY(const OwnedFolder folder, OwnedFolder::of(path, /*create=*/true));
  std::array<unsigned char, 32> seed;
  randombytes_buf(seed.data(), seed.size());
  SigningKey key = fromSeed(seed);
  std::string text = std::string(head) + base64(seed) + "\n";
  sodium_memzero(seed.data(), seed.size());
  rt::Status made = folder.make(text, 0600);
  sodium_memzero(text.data(), text.size());
  if (!made)
    return made.takeError();
  return key;
}

TrustedKey SigningKey::publicKey() const {
  TrustedKey key;
  std::copy(bytes.begin() + 32, bytes.end(), key.bytes.begin());
  return key;
}

Signature SigningKey::sign(Domain domain, std::string_view message) const {
  const std::string whole = signedBytes(domain, message);
  std::array<unsigned char, crypto_sign_BYTES> signature;
  crypto_sign_detached(signature.data(), nullptr,
                       reinterpret_cast<const unsigned char *>(whole.data()),
                       whole.size(), bytes.data());
  return {publicKey().id(), base64(signature)};
}
