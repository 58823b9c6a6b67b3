// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A child of fork finds no mutex held by a thread that stayed with its parent.
#include "runtime/store/files/Fork.h"

#include <atomic>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace attn_jit::store;

namespace {

/// Held most of the time, and with the store lock inside, as who reads records
/// under it has it.
TEST(ForkTest, AChildTakesTheMutexThatAThreadHeld) {
  ForkMutex mutex, other;
  std::atomic<bool> stop = false;
  auto hold = [&](ForkMutex &one) {
    while (!stop) {
      {
        const std::lock_guard lock(one);
        const StoreLock store;
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
      // The lock is not fair: fork() is to have its turn.
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  };
  std::thread first([&] { hold(mutex); }), second([&] { hold(other); });
  for (int i = 0; i < 100; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      for (ForkMutex *each : {&mutex, &other}) {
        const std::lock_guard lock(*each);
        const StoreLock store;
      }
      {
        ForkMutex own;
      }
      _exit(0);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << i;
    if (status != 0)
      break;
  }
  stop = true;
  first.join();
  second.join();
}

} // namespace
