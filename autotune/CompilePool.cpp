// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One lock guards the queue and the table; nothing is compiled under it.
#include "autotune/CompilePool.h"

#include <algorithm>

using namespace attn_jit;
using namespace attn_jit::tune;

CompilePool::CompilePool(CompileFunction compile, unsigned count)
    : compile(std::move(compile)) {
  for (unsigned i = 0; i < std::max(count, 1u); ++i)
    threads.emplace_back([this] { work(); });
}

CompilePool::~CompilePool() {
  {
    std::lock_guard lock(mutex);
    ending = true;
  }
  wanted.notify_all();
  for (std::thread &thread : threads)
    thread.join();
}

void CompilePool::announce(const std::string &schedule) {
  std::lock_guard lock(mutex);
  if (!made.emplace(schedule, std::nullopt).second)
    return;
  queue.push_back(schedule);
  wanted.notify_one();
}

CompiledPath CompilePool::get(const std::string &schedule) {
  std::unique_lock lock(mutex);
  auto [at, fresh] = made.emplace(schedule, std::nullopt);
  auto waiting = std::ranges::find(queue, schedule);
  if (fresh || waiting != queue.end()) {
    if (waiting != queue.end())
      queue.erase(waiting);
    queue.push_front(schedule);
    wanted.notify_one();
  }
  done.wait(lock, [&] { return at->second.has_value(); });
  return *at->second;
}

void CompilePool::work() {
  std::unique_lock lock(mutex);
  while (true) {
    wanted.wait(lock, [&] { return ending || !queue.empty(); });
    if (ending)
      return;
    const std::string schedule = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    CompiledPath path = compile(schedule);
    lock.lock();
    made[schedule].emplace(std::move(path));
    done.notify_all();
  }
}
