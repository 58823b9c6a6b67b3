// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a child of fork must not take for its own: locks (whose open file
// description it shares, so that it would keep them after its parent's death),
// counts that its parent will write, open databases (whose locks it would
// believe to hold: sqlite.org/howtocorrupt, 2.6).
//
// Invariant: no child comes to be while an object of this class is half made or
// half gone, while a record store is at work, or while a ForkMutex is held.
// fork() waits for the ForkMutexes, then for the store lock, then for noFork():
// who needs several takes them in that order.
#ifndef ATTN_JIT_RUNTIME_STORE_FORK_H
#define ATTN_JIT_RUNTIME_STORE_FORK_H

#include <mutex>

namespace attn_jit::store {

class ForkAware {
public:
  ForkAware(const ForkAware &) = delete;
  ForkAware &operator=(const ForkAware &) = delete;

protected:
  ForkAware() = default;
  ~ForkAware() = default;

  /// fork() waits while this is held; short work only.
  static std::unique_lock<std::mutex> noFork();
  /// Under noFork().
  void enlist();
  void leave();

private:
  friend class StoreLock;
  friend class ForkMutex;
  /// In the parent, of each that is enlisted, under both locks.
  virtual void beforeFork() {}
  /// In the child likewise: system calls and atomics only.
  virtual void inChild() {}

  struct Handlers;
  ForkAware *previous = nullptr, *next = nullptr;
};

/// One lock for all record stores of a process, held while it lives: their work
/// may take long, so it is none that others wait for. Not taken twice by one
/// thread.
class StoreLock {
public:
  StoreLock();
  ~StoreLock();
  StoreLock(const StoreLock &) = delete;
  StoreLock &operator=(const StoreLock &) = delete;
};

/// A mutex that no child of fork finds held by a thread that is not there. May
/// be held while records are read. Nobody holds two, makes or ends one while it
/// holds one, or forks then.
class ForkMutex {
public:
  ForkMutex();
  ~ForkMutex();
  ForkMutex(const ForkMutex &) = delete;
  ForkMutex &operator=(const ForkMutex &) = delete;

  void lock() { mutex.lock(); }
  void unlock() { mutex.unlock(); }

private:
  std::mutex mutex;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_FORK_H
