// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a child of fork must not take for its own: locks (whose open file
// description it shares, so that it would keep them after its parent's death),
// and counts that its parent will write.
//
// Invariant: no child comes to be while an object of this class is half made or
// half gone.
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
  /// In the child, of each that is enlisted: system calls and atomics only.
  virtual void inChild() = 0;

  struct Handlers;
  ForkAware *previous = nullptr, *next = nullptr;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_FORK_H
