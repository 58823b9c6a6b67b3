// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keeps the leases of a worker while it measures, by a thread and a connection
// of its own. A renewal that fails is tried again: at worst the lease is lost,
// and somebody else measures the same.
#ifndef ATTN_JIT_AUTOTUNE_JOINLEASE_H
#define ATTN_JIT_AUTOTUNE_JOINLEASE_H

#include "autotune/JoinServer.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace attn_jit::tune {

class JoinLease {
public:
  /// From now until its end. `server` outlives it, and is nobody else's
  /// meanwhile.
  JoinLease(JoinServer &server, uint64_t step, std::vector<size_t> items,
            double leaseSeconds)
      : thread([=, this, &server, items = std::move(items)] {
          std::unique_lock lock(mutex);
          const std::chrono::duration<double> pause(leaseSeconds / 3);
          while (!ended.wait_for(lock, pause, [this] { return ending; })) {
            lock.unlock();
            (void)server.renew(step, items);
            lock.lock();
          }
        }) {}
  ~JoinLease() {
    {
      std::lock_guard lock(mutex);
      ending = true;
    }
    ended.notify_all();
    thread.join();
  }
  JoinLease(const JoinLease &) = delete;
  JoinLease &operator=(const JoinLease &) = delete;

private:
  std::mutex mutex;
  std::condition_variable ended;
  bool ending = false;
  std::thread thread; ///< last: it uses the others
};

} // namespace attn_jit::tune

#endif
