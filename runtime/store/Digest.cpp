// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/Digest.h"
#include "runtime/store/Sha256Instructions.h"

#include <sodium.h>

using namespace attn_jit::store;

std::string Digest::hex() const {
  char text[2 * sizeof bytes + 1];
  sodium_bin2hex(text, sizeof text, bytes.data(), bytes.size());
  return text;
}

std::optional<Digest> Digest::parse(std::string_view hex) {
  Digest digest;
  if (hex.size() != 2 * digest.bytes.size())
    return std::nullopt;
  for (char c : hex)
    if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
      return std::nullopt;
  sodium_hex2bin(digest.bytes.data(), digest.bytes.size(), hex.data(),
                 hex.size(), nullptr, nullptr, nullptr);
  return digest;
}

Digest attn_jit::store::sha256(std::string_view bytes) {
  if (auto digest = sha256ByInstructions(bytes))
    return *digest;
  Digest digest;
  crypto_hash_sha256(digest.bytes.data(),
                     reinterpret_cast<const unsigned char *>(bytes.data()),
                     bytes.size());
  return digest;
}
