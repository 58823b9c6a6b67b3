// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread that runs jobs one after another, and a bounded queue before it. The
// thread is detached and owns what it uses, so nobody ever waits for a job that
// never ends: not who queued it, and not the process when it exits.
#ifndef ATTN_JIT_RUNTIME_STORE_LANE_H
#define ATTN_JIT_RUNTIME_STORE_LANE_H

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace attn_jit::store {

/// Any number of threads at once; not in a child of fork.
class Lane {
public:
  using Job = std::function<void()>;
  using Time = std::chrono::steady_clock::time_point;

  /// Jobs and bytes that wait at most.
  Lane(size_t mostJobs, size_t mostBytes);
  /// Stops it, without waiting.
  ~Lane();

  /// False: the queue is full, the lane has stopped, or its job is stuck.
  bool push(Job job, size_t bytes = 0);
  /// A job says by when it is to end, for each thing that it waits for; one
  /// that is late by a second is stuck.
  void expect(Time end);
  bool stopping() const;
  size_t waiting() const;
  /// Until nothing is queued or runs; false: it did not come to that.
  bool waitIdle(Time limit);
  /// Jobs that wait are dropped, the one that runs sees stopping(), and `last`
  /// is run behind it; in the caller if nothing ever ran.
  void stop(Job last = {});
  /// Until the thread has ended, after stop().
  bool waitEnded(Time limit);

private:
  struct State;
  std::shared_ptr<State> state;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_LANE_H
