// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a user or a file gave, made fit to stand in one line of a message: it
// may hold line breaks and a terminal's escape sequences.
#ifndef ATTN_JIT_RUNTIME_PRINTABLE_H
#define ATTN_JIT_RUNTIME_PRINTABLE_H

#include <string>
#include <string_view>

namespace attn_jit::rt {

/// Printable ASCII, '?' for the rest; cut with "..." when long.
inline std::string printable(std::string_view text, size_t limit = 80) {
  std::string result;
  for (char c : text.substr(0, limit))
    result += c >= 0x20 && c < 0x7f ? c : '?';
  return text.size() > limit ? result + "..." : result;
}

inline std::string inQuotes(std::string_view text) {
  return "'" + printable(text) + "'";
}

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_PRINTABLE_H
