// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each request is made once, faults are not kept, and a child of fork waits for
// no thread that stayed with its parent.
#include "tools/api/KernelTable.h"
#include "tools/api/Engine.h"

#include <atomic>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::api;

namespace {

KernelResult someKernel() {
  return std::shared_ptr<const Kernel>(std::make_shared<Kernel>());
}

TEST(KernelTableTest, TheSecondWaitsForTheFirst) {
  KernelTable table;
  std::atomic<int> made = 0;
  KernelResult one = someKernel(), two = someKernel();
  std::thread first([&] {
    one = table.obtain("same", [&] {
      ++made;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      return someKernel();
    });
  });
  while (made == 0)
    std::this_thread::yield();
  two = table.obtain("same", [&] {
    ++made;
    return someKernel();
  });
  first.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(one->get(), two->get());
  EXPECT_NE(table.obtain("another", someKernel)->get(), one->get());
}

TEST(KernelTableTest, AFaultIsNotKeptAndAnExceptionIsOne) {
  KernelTable table;
  auto thrown =
      table.obtain("one", []() -> KernelResult { throw std::bad_alloc(); });
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().code, rt::ErrorCode::OutOfMemory);
  auto failed =
      table.obtain("one", []() -> KernelResult { return rt::failed("no"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().text, "no");
  EXPECT_TRUE(table.obtain("one", someKernel));
}

TEST(KernelTableTest, AChildOfForkMakesAnewWhatAThreadWasAt) {
  KernelTable table;
  const Kernel *ready = table.obtain("ready", someKernel)->get();
  std::atomic<bool> begun = false, end = false;
  std::thread maker([&] {
    (void)table
        .obtain("pending",
                [&] {
                  begun = true;
                  while (!end)
                    std::this_thread::yield();
                  return someKernel();
                })
        .ok();
  });
  while (!begun)
    std::this_thread::yield();
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    auto never = []() -> KernelResult { return rt::failed("made again"); };
    const bool anew = bool(table.obtain("pending", someKernel)) &&
                      bool(table.obtain("pending", never));
    const auto kept = table.obtain("ready", never);
    _exit(anew && kept && kept->get() == ready ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  end = true;
  maker.join();
}

} // namespace
