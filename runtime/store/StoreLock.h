// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One lock for all record stores of a process, which fork() waits for: a child
// never inherits a half-made change, a lock that nobody will release, or an
// open database (whose locks it would believe to hold: sqlite.org/howtocorrupt,
// 2.6). What is enlisted lets go of such things before each fork.
#ifndef ATTN_JIT_RUNTIME_STORE_STORELOCK_H
#define ATTN_JIT_RUNTIME_STORE_STORELOCK_H

namespace attn_jit::store {

/// Held while it lives; not taken twice by one thread.
class StoreLock {
public:
  StoreLock();
  ~StoreLock();
  StoreLock(const StoreLock &) = delete;
  StoreLock &operator=(const StoreLock &) = delete;
};

class ForkListener {
public:
  ForkListener(const ForkListener &) = delete;
  ForkListener &operator=(const ForkListener &) = delete;

  /// Called in the parent, with the store lock held.
  virtual void beforeFork() = 0;

protected:
  ForkListener() = default;
  ~ForkListener() = default;
  /// With the store lock held.
  void enlist();
  void leave();
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_STORELOCK_H
