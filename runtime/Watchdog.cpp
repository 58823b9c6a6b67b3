// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The watchdog's thread. It ends the process with _exit: exit handlers would
// wait for the very kernel that hangs.
#include "runtime/Watchdog.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>
#include <unistd.h>

using namespace attn_jit::rt;

static std::string timeoutText(double limitSeconds, const std::string &what) {
  char limit[32];
  std::snprintf(limit, sizeof limit, "%g", limitSeconds);
  return "watchdog: the kernel did not finish within " + std::string(limit) +
         " s: " + what;
}

struct Watchdog::State {
  std::mutex mutex;
  std::condition_variable changed;
  bool disarmed = false;
  std::thread thread;
};

Watchdog::Watchdog(double limitSeconds, const std::string &what)
    : state(std::make_unique<State>()) {
  // Written now: at the deadline nothing may wait for a lock, as malloc's.
  std::string message = timeoutText(limitSeconds, what) + "\n";
  // The clock counts nanoseconds in 64 bits: 292 years.
  constexpr double longest = 1e9;
  const std::chrono::duration<double> limit(
      limitSeconds < longest ? limitSeconds : longest);
  const auto deadline =
      std::chrono::steady_clock::now() +
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit);
  state->thread = std::thread([this, deadline, message = std::move(message)] {
    std::unique_lock lock(state->mutex);
    if (state->changed.wait_until(lock, deadline,
                                  [this] { return state->disarmed; }))
      return;
    (void)!write(STDERR_FILENO, message.data(), message.size());
    _exit(1);
  });
}

Watchdog::~Watchdog() {
  {
    std::lock_guard lock(state->mutex);
    state->disarmed = true;
  }
  state->changed.notify_one();
  state->thread.join();
}
