// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// SHA-256 names everything that is stored: bazel-remote checks it on upload,
// and libsodium computes it.
#ifndef ATTN_JIT_RUNTIME_STORE_DIGEST_H
#define ATTN_JIT_RUNTIME_STORE_DIGEST_H

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace attn_jit::store {

struct Digest {
  std::array<unsigned char, 32> bytes{};

  /// 64 lower-case hexadecimal digits.
  std::string hex() const;
  /// Of exactly such a text.
  static std::optional<Digest> parse(std::string_view hex);
  auto operator<=>(const Digest &) const = default;
};

Digest sha256(std::string_view bytes);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_DIGEST_H
