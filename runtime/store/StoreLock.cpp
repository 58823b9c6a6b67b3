// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/StoreLock.h"

#include <algorithm>
#include <mutex>
#include <pthread.h>
#include <vector>

using namespace attn_jit::store;

namespace {
struct Shared {
  std::mutex mutex;
  std::vector<ForkListener *> listeners;
};
} // namespace

/// Never destroyed: threads may outlive static objects.
static Shared &shared() {
  static Shared *const made = [] {
    pthread_atfork(
        [] {
          shared().mutex.lock();
          for (ForkListener *each : shared().listeners)
            each->beforeFork();
        },
        [] { shared().mutex.unlock(); }, [] { shared().mutex.unlock(); });
    return new Shared;
  }();
  return *made;
}

StoreLock::StoreLock() { shared().mutex.lock(); }
StoreLock::~StoreLock() { shared().mutex.unlock(); }

void ForkListener::enlist() { shared().listeners.push_back(this); }
void ForkListener::leave() { std::erase(shared().listeners, this); }
