// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a user or a file gave, made fit to stand in one line of a message: it
// may hold line breaks and a terminal's escape sequences.
#ifndef ATTN_JIT_RUNTIME_PRINTABLE_H
#define ATTN_JIT_RUNTIME_PRINTABLE_H

#include <string>
#include <string_view>

namespace attn_jit::rt {

/// Printable ASCII, '?' for the rest; a long text loses its middle, so that a
/// path keeps its file's name.
inline std::string printable(std::string_view text, size_t limit = 80) {
  auto ascii = [](std::string_view part) {
    std::string result;
    for (char c : part)
      result += c >= 0x20 && c < 0x7f ? c : '?';
    return result;
  };
  if (text.size() <= limit)
    return ascii(text);
  return ascii(text.substr(0, limit - limit / 2)) + "..." +
         ascii(text.substr(text.size() - limit / 2));
}

inline std::string inQuotes(std::string_view text) {
  return "'" + printable(text) + "'";
}

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_PRINTABLE_H
