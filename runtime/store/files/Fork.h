// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a child of fork must not take for its own: locks (whose open file
// description it shares, so that it would keep them after its parent's death),
// counts that its parent will write, open databases (whose locks it would
// believe to hold: sqlite.org/howtocorrupt, 2.6).
//
// Invariant: no child comes to be while an object of this class is half made or
// half gone, or while a record store is at work. fork() waits first for the
// store lock and then for noFork(): who needs both takes them in that order.
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

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_FORK_H
