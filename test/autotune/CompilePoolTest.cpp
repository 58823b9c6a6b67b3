// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is compiled, in which order, and what is left to others.
#include "autotune/CompilePool.h"

#include <gtest/gtest.h>

using namespace attn_jit;
using namespace attn_jit::tune;

namespace {
/// Compiles when it is let, and remembers in which order.
class Gate {
public:
  CompiledPath pass(const std::string &schedule) {
    std::unique_lock lock(mutex);
    order.push_back(schedule);
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
    return "path of " + schedule;
  }
  void release() {
    std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
  void waitForBegun(size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return order.size() >= count; });
  }
  std::vector<std::string> order;

private:
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
};
} // namespace

TEST(CompilePool, EachIsCompiledOnceInTheOrderAnnounced) {
  Gate gate;
  CompilePool pool([&](const std::string &s) { return gate.pass(s); }, 1);
  for (const char *each : {"a", "b", "a", "c"})
    pool.announce(each);
  gate.waitForBegun(1);
  EXPECT_FALSE(pool.ready("a"));
  gate.release();
  EXPECT_EQ(*pool.get("c"), "path of c");
  EXPECT_EQ(*pool.get("b"), "path of b");
  EXPECT_TRUE(pool.ready("a"));
  EXPECT_EQ(gate.order.size(), 3u);
  EXPECT_EQ(gate.order.front(), "a");
}

TEST(CompilePool, WhatIsForgottenIsNotCompiledUnlessItIsBegunOrAskedFor) {
  Gate gate;
  CompilePool pool([&](const std::string &s) { return gate.pass(s); }, 1);
  pool.announce("begun");
  gate.waitForBegun(1);
  for (const char *each : {"asked", "forgotten", "later"})
    pool.announce(each);
  std::thread asks([&] { EXPECT_EQ(*pool.get("asked"), "path of asked"); });
  // There is no telling when it has asked; forgetting until then is harmless.
  pool.forget();
  pool.announce("later");
  gate.release();
  asks.join();
  EXPECT_EQ(*pool.get("later"), "path of later");
  EXPECT_TRUE(pool.ready("begun"));
  EXPECT_FALSE(pool.ready("forgotten"));
  EXPECT_EQ(*pool.get("forgotten"), "path of forgotten");
}

TEST(CompilePool, WhatAnotherHostIsAtIsLeftUntilSomebodyWaits) {
  std::mutex mutex;
  std::vector<std::string> compiled;
  std::atomic<int> looks{0};
  CompilePool pool(
      [&](const std::string &s) -> CompiledPath {
        std::lock_guard lock(mutex);
        compiled.push_back(s);
        return s;
      },
      2, [&](const std::string &s) { return s == "theirs" && ++looks; });
  pool.announce("theirs");
  pool.announce("ours");
  EXPECT_EQ(*pool.get("ours"), "ours");
  while (looks < 3)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_FALSE(pool.ready("theirs"));
  EXPECT_EQ(*pool.get("theirs"), "theirs");
  EXPECT_EQ(compiled, (std::vector<std::string>{"ours", "theirs"}));
}
