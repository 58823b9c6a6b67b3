// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The progress line, on standard error.
#include "tools/bench/Progress.h"

#include <cstdio>
#include <unistd.h>

using namespace attn_jit::bench;

Progress::Progress(size_t total)
    : total(total), terminal(isatty(STDERR_FILENO)) {}
Progress::~Progress() { clear(); }

void Progress::say(const std::string &step) {
  if (!terminal)
    return;
  std::fprintf(stderr, "\r\033[K[%zu/%zu] %s", done, total, step.c_str());
  std::fflush(stderr);
  shown = true;
}

void Progress::clear() {
  if (!shown)
    return;
  std::fprintf(stderr, "\r\033[K");
  std::fflush(stderr);
  shown = false;
}
