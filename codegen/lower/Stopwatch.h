// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Wall time of the compiler's steps.
#ifndef ATTN_JIT_CODEGEN_LOWER_STOPWATCH_H
#define ATTN_JIT_CODEGEN_LOWER_STOPWATCH_H

#include <chrono>

namespace attn_jit {

class Stopwatch {
public:
  /// Milliseconds since the last lap, or since the watch was made.
  double lap() {
    auto now = std::chrono::steady_clock::now();
    double ms = std::chrono::duration<double, std::milli>(now - start).count();
    start = now;
    return ms;
  }

private:
  std::chrono::steady_clock::time_point start =
      std::chrono::steady_clock::now();
};

} // namespace attn_jit

#endif
