// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/remote/Lane.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <signal.h>
#include <system_error>
#include <thread>
#include <utility>

using namespace attn_jit::store;

struct Lane::State {
  size_t mostJobs, mostBytes;
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::pair<Job, size_t>> queue;
  Job last;
  size_t bytes = 0;
  bool running = false; ///< a job
  bool started = false, ended = false;
  bool stopping = false;
  /// Of the job that runs; the clock's ticks. 0: it waits for nothing.
  std::atomic<Time::rep> due = 0;

  bool idle() const { return queue.empty() && !running; }
  void run();
};

void Lane::State::run() {
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [&] { return stopping || !queue.empty(); });
    if (stopping)
      break;
    {
      // What a job holds is let go before anybody sees that it has ended.
      Job job = std::move(queue.front().first);
      bytes -= queue.front().second;
      queue.pop_front();
      running = true;
      lock.unlock();
      job();
    }
    due = 0;
    lock.lock();
    running = false;
    changed.notify_all();
  }
  Job final = std::exchange(last, {});
  lock.unlock();
  if (final)
    final();
  final = {};
  lock.lock();
  ended = true;
  changed.notify_all();
}

Lane::Lane(size_t mostJobs, size_t mostBytes)
    : state(std::make_shared<State>()) {
  state->mostJobs = mostJobs;
  state->mostBytes = mostBytes;
}

Lane::~Lane() { stop(); }

/// Signals are the program's threads': none runs its handlers here.
static bool startDetached(std::function<void()> body) {
  sigset_t every, kept;
  sigfillset(&every);
  pthread_sigmask(SIG_SETMASK, &every, &kept);
  bool started = true;
  try {
    std::thread(std::move(body)).detach();
  } catch (const std::system_error &) {
    started = false; // No thread is to be had: as if the remote were dead.
  }
  pthread_sigmask(SIG_SETMASK, &kept, nullptr);
  return started;
}

bool Lane::push(Job job, size_t bytes) {
  const Time now = std::chrono::steady_clock::now();
  const Time::rep due = state->due;
  if (due && now.time_since_epoch().count() > due)
    return false;
  std::lock_guard lock(state->mutex);
  if (state->stopping || state->queue.size() >= state->mostJobs ||
      state->bytes + bytes > state->mostBytes)
    return false;
  if (!state->started) {
    if (!startDetached([state = state] { state->run(); }))
      return false;
    state->started = true;
  }
  state->queue.emplace_back(std::move(job), bytes);
  state->bytes += bytes;
  state->changed.notify_all();
  return true;
}

void Lane::expect(Time end) {
  state->due = (end + std::chrono::seconds(1)).time_since_epoch().count();
}

bool Lane::stopping() const {
  std::lock_guard lock(state->mutex);
  return state->stopping;
}

size_t Lane::waiting() const {
  std::lock_guard lock(state->mutex);
  return state->queue.size();
}

bool Lane::waitIdle(Time limit) {
  std::unique_lock lock(state->mutex);
  return state->changed.wait_until(lock, limit, [&] { return state->idle(); });
}

void Lane::stop(Job last) {
  std::deque<std::pair<Job, size_t>> dropped;
  Job here; // where there is no thread
  {
    std::lock_guard lock(state->mutex);
    dropped.swap(state->queue);
    state->bytes = 0;
    const bool again = std::exchange(state->stopping, true);
    if (!state->started)
      here = std::move(last);
    else if (!again)
      state->last = std::move(last);
    state->changed.notify_all();
  }
  if (here)
    here();
}

bool Lane::waitEnded(Time limit) {
  std::unique_lock lock(state->mutex);
  return state->changed.wait_until(
      lock, limit, [&] { return !state->started || state->ended; });
}
