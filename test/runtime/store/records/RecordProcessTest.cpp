// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Record stores across fork and kill -9.
#include "test/runtime/store/records/TestStores.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace attn_jit::store;
using namespace attn_jit::store::test;

/// What a child's work ends with; a signal gives 128 and its number.
static int inChild(const std::function<void()> &work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(testing::Test::HasFailure());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST_P(Stores, AreUsableAfterFork) {
  add(manyOf(1, 3));
  EXPECT_EQ(inChild([&] {
              EXPECT_EQ(of(1).size(), 3u);
              EXPECT_EQ(add(manyOf(1, 2, 3)), 2);
              EXPECT_EQ(of(1).size(), 5u);
            }),
            0);
  EXPECT_EQ(add(manyOf(1, 2, 5)), 2);
  EXPECT_EQ(of(1).size(), onDisk() ? 7u : 5u);
}

// A child is never born with a lock that nobody releases.
TEST_P(Stores, AreUsableInChildrenOfBusyProcesses) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "the thread sanitizer refuses forks of several threads";
#endif
#endif
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 2; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; !stop; ++i)
        add(manyOf(1, 1, 10000 * thread + i));
    });
  for (int round = 0; round < 20; ++round)
    EXPECT_EQ(inChild([&] {
                alarm(20); // a deadlock is a failure, no hang
                EXPECT_EQ(add(manyOf(2, 1, round)), 1);
                EXPECT_EQ(of(2).size(), onDisk() ? size_t(round) + 1 : 1u);
              }),
              0);
  stop = true;
  for (std::thread &each : threads)
    each.join();
}

// Eight writers of 200 records each, some of them killed on their way: what a
// writer was told is there is there, and each record is whole.
TEST_P(StoresOnDisk, LoseNothingOfManyProcesses) {
  constexpr int writers = 8, each = 200, killed = 3;
  std::vector<pid_t> children;
  std::vector<int> told;
  for (int writer = 0; writer < writers; ++writer) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      const auto own = opened(root());
      // Dies wherever it is then.
      std::thread end([&] {
        std::this_thread::sleep_for(
            std::chrono::milliseconds(40 + 30 * writer));
        if (writer < killed)
          kill(getpid(), SIGKILL);
      });
      end.detach();
      for (int i = 0; writer < killed || i < each; ++i) {
        const auto one = manyOf(writer, 1, i);
        if (auto added = own->add(one); !added || *added != 1)
          _exit(1);
        if (write(ends[1], "+", 1) != 1)
          _exit(1);
      }
      _exit(0);
    }
    close(ends[1]);
    children.push_back(child);
    told.push_back(ends[0]);
  }
  std::vector<int> kept(writers);
  for (int writer = 0; writer < writers; ++writer) {
    char sign;
    while (read(told[size_t(writer)], &sign, 1) == 1)
      ++kept[size_t(writer)];
    close(told[size_t(writer)]);
    int status = 0;
    waitpid(children[size_t(writer)], &status, 0);
    EXPECT_EQ(status, writer < killed ? SIGKILL : 0);
  }
  for (int writer = 0; writer < writers; ++writer) {
    std::set<std::string> lines;
    for (const StoredRecord &stored : of(writer))
      lines.insert(stored.record.line());
    if (writer >= killed)
      EXPECT_EQ(kept[size_t(writer)], each);
    for (int i = 0; i < kept[size_t(writer)]; ++i)
      EXPECT_TRUE(lines.contains(measured(writer, i).line()));
    // At most the one under way besides.
    EXPECT_LE(lines.size(), size_t(kept[size_t(writer)]) + 1);
  }
  EXPECT_EQ(store->faults().databases, 0);
  EXPECT_EQ(store->faults().lines, 0);
}
