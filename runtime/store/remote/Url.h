// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Addresses of remotes, which may hold a password: what is shown of one went
// through withoutCredentials(), whether or not it parses.
//
//   url ::= scheme "://" (user? (":" password)? "@")? host? (":" port)?
//           ("/" path)? ("?" query)?
//
// User and password are percent-encoded where they hold "/", "?", "#", "@",
// blanks or semicolons.
#ifndef ATTN_JIT_RUNTIME_STORE_URL_H
#define ATTN_JIT_RUNTIME_STORE_URL_H

#include "runtime/Result.h"

#include <optional>
#include <string_view>

namespace attn_jit::store {

struct Url {
  std::string scheme;         ///< lower case
  std::string user, password; ///< decoded
  std::string host;           ///< an IPv6 address without its brackets
  int port = 0;               ///< 0: none given
  std::string path;           ///< with its first "/", as it stands
  std::string query;          ///< behind "?", as it stands

  /// The error says which part is wrong and shows no credentials.
  static rt::Result<Url> parse(std::string_view text);
  std::string hostAndPort(int defaultPort) const;
};

/// Without user, password and query, and in one printable line.
std::string withoutCredentials(std::string_view url);

/// None where a "%" has not two digits behind it, or stands for a control
/// character: a header could be made of one.
std::optional<std::string> percentDecoded(std::string_view text);

/// `text` with "***" for each place where `secret` stands, as a server's reply
/// may repeat it.
std::string withoutSecret(std::string text, std::string_view secret);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_URL_H
