// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How long others had the processors while this thread could have run. A test
// of milliseconds takes it off, so that it says something on a busy machine.
#ifndef ATTN_JIT_TEST_RUNTIME_STORE_RUNDELAY_H
#define ATTN_JIT_TEST_RUNTIME_STORE_RUNDELAY_H

#include <chrono>
#include <fstream>

namespace attn_jit::store::test {

/// Of this thread since it began; 0 where the system does not tell.
inline std::chrono::nanoseconds runDelay() {
  int64_t running = 0, waiting = 0;
  std::ifstream("/proc/thread-self/schedstat") >> running >> waiting;
  return std::chrono::nanoseconds(waiting);
}

/// The time of this thread, without what it waited for a processor.
class Stopwatch {
public:
  std::chrono::nanoseconds elapsed() const {
    const auto now = std::chrono::steady_clock::now();
    return now - started - (runDelay() - delay);
  }

private:
  std::chrono::nanoseconds delay = runDelay();
  std::chrono::steady_clock::time_point started =
      std::chrono::steady_clock::now();
};

} // namespace attn_jit::store::test

#endif // ATTN_JIT_TEST_RUNTIME_STORE_RUNDELAY_H
