// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One lock guards the queue and the table; nothing is compiled under it.
#include "autotune/CompilePool.h"

#include <algorithm>

using namespace attn_jit;
using namespace attn_jit::tune;

/// Until what another host is at is looked for again.
static constexpr std::chrono::milliseconds kLook{100};

CompilePool::CompilePool(CompileFunction compile, unsigned count,
                         ElsewhereFunction elsewhere)
    : compile(std::move(compile)), elsewhere(std::move(elsewhere)) {
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

void CompilePool::forget() {
  std::lock_guard lock(mutex);
  std::erase_if(queue, [&](const std::string &each) {
    return !asked.contains(each) && made.erase(each);
  });
}

bool CompilePool::ready(const std::string &schedule) {
  std::lock_guard lock(mutex);
  auto at = made.find(schedule);
  return at != made.end() && at->second.has_value();
}

CompiledPath CompilePool::get(const std::string &schedule) {
  std::unique_lock lock(mutex);
  asked.insert(schedule);
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
  size_t passed = 0; // one after another, in the queue
  while (true) {
    if (passed > 0 && passed >= queue.size()) {
      wanted.wait_for(lock, kLook);
      passed = 0;
    }
    wanted.wait(lock, [&] { return ending || !queue.empty(); });
    if (ending)
      return;
    const std::string schedule = std::move(queue.front());
    queue.pop_front();
    if (elsewhere && !asked.contains(schedule)) {
      lock.unlock();
      const bool other = elsewhere(schedule);
      lock.lock();
      if (other && !asked.contains(schedule)) {
        queue.push_back(schedule);
        ++passed;
        continue;
      }
    }
    passed = 0;
    lock.unlock();
    CompiledPath path = compile(schedule);
    lock.lock();
    made[schedule].emplace(std::move(path));
    done.notify_all();
  }
}
