// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How deep untrusted JSON nests, told before it is parsed: a parser keeps state
// for each level, and to print or to free a deep value recurses.
#ifndef ATTN_JIT_RUNTIME_JSONDEPTH_H
#define ATTN_JIT_RUNTIME_JSONDEPTH_H

#include <string_view>

namespace attn_jit::rt {

/// Containers in one another, which is more than any file read here needs.
inline constexpr int maxJsonDepth = 32;

/// Exact as far as the text is JSON, which is as far as a parser gets.
inline bool nestsTooDeep(std::string_view json) {
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (inString) {
      i += c == '\\'; // the next character ends nothing
      inString = c != '"';
    } else if (c == '"') {
      inString = true;
    } else if (c == '[' || c == '{') {
      if (++depth > maxJsonDepth)
        return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_JSONDEPTH_H
