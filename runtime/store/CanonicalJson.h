// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JSON with one text for each value: on one line, no space outside strings, a
// string's characters outside printable ASCII escaped (\b \f \n \r \t, else
// \uxxxx with lower-case digits), numbers integers of at most 2^53 - 1, which
// every reader of JSON holds exactly. The scanner takes that text and no other.
#ifndef ATTN_JIT_RUNTIME_STORE_CANONICALJSON_H
#define ATTN_JIT_RUNTIME_STORE_CANONICALJSON_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace attn_jit::store {

/// Bytes of `value` that are no UTF-8 become U+FFFD.
void appendQuoted(std::string &text, std::string_view value);

class CanonicalScanner {
public:
  explicit CanonicalScanner(std::string_view text) : rest(text) {}

  bool atEnd() const { return rest.empty(); }
  size_t left() const { return rest.size(); } ///< bytes
  /// Whether exactly that came next; it is passed then.
  bool take(std::string_view expected);
  std::optional<std::string> string();
  std::optional<int64_t> integer(); ///< not negative
  /// The text of a value of any kind, integers of either sign.
  std::optional<std::string_view> value();

private:
  /// The text of a string with its quotes; empty: none comes next.
  std::string_view quoted() const;

  std::string_view rest;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_CANONICALJSON_H
