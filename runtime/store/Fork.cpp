// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/Fork.h"

#include <pthread.h>

using namespace attn_jit::store;

struct ForkAware::Handlers {
  std::mutex mutex;
  ForkAware *first = nullptr;

  Handlers() {
    pthread_atfork([] { all().mutex.lock(); }, [] { all().mutex.unlock(); },
                   [] {
                     for (ForkAware *each = all().first; each;
                          each = each->next)
                       each->inChild();
                     all().mutex.unlock();
                   });
  }
  /// Never destroyed: a fork may come while the process ends.
  static Handlers &all() {
    static Handlers *handlers = new Handlers;
    return *handlers;
  }
};

std::unique_lock<std::mutex> ForkAware::noFork() {
  return std::unique_lock(Handlers::all().mutex);
}

void ForkAware::enlist() {
  next = Handlers::all().first;
  if (next)
    next->previous = this;
  Handlers::all().first = this;
}

void ForkAware::leave() {
  if (previous)
    previous->next = next;
  else
    Handlers::all().first = next;
  if (next)
    next->previous = previous;
}
