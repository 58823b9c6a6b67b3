// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One line on a terminal that says what long work is at; nothing in a pipe.
#ifndef ATTN_JIT_TOOLS_BENCH_PROGRESS_H
#define ATTN_JIT_TOOLS_BENCH_PROGRESS_H

#include <cstddef>
#include <string>

namespace attn_jit::bench {

class Progress {
public:
  explicit Progress(size_t total);
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  void next() { ++done; }
  void say(const std::string &step);
  /// Takes the line away, so that others can write.
  void clear();

private:
  size_t total, done = 0;
  bool terminal, shown = false;
};

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_PROGRESS_H
