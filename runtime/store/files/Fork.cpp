// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/files/Fork.h"

#include <pthread.h>
#include <set>

using namespace attn_jit::store;

struct ForkAware::Handlers {
  std::mutex set; ///< of the mutexes
  std::set<ForkMutex *> mutexes;
  std::mutex stores, objects;
  ForkAware *first = nullptr;

  Handlers() { pthread_atfork(before, inParent, inChild); }
  /// Never destroyed: a fork may come while the process ends.
  static Handlers &all() {
    static Handlers *handlers = new Handlers;
    return *handlers;
  }

private:
  static void before() {
    all().set.lock();
    for (ForkMutex *each : all().mutexes)
      each->lock();
    all().stores.lock();
    all().objects.lock();
    for (ForkAware *each = all().first; each; each = each->next)
      each->beforeFork();
  }
  static void inParent() {
    all().objects.unlock();
    all().stores.unlock();
    for (ForkMutex *each : all().mutexes)
      each->unlock();
    all().set.unlock();
  }
  static void inChild() {
    for (ForkAware *each = all().first; each; each = each->next)
      each->inChild();
    inParent();
  }
};

ForkMutex::ForkMutex() {
  auto &handlers = ForkAware::Handlers::all();
  const std::lock_guard guard(handlers.set);
  handlers.mutexes.insert(this);
}

ForkMutex::~ForkMutex() {
  auto &handlers = ForkAware::Handlers::all();
  const std::lock_guard guard(handlers.set);
  handlers.mutexes.erase(this);
}

StoreLock::StoreLock() { ForkAware::Handlers::all().stores.lock(); }
StoreLock::~StoreLock() { ForkAware::Handlers::all().stores.unlock(); }

std::unique_lock<std::mutex> ForkAware::noFork() {
  return std::unique_lock(Handlers::all().objects);
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
