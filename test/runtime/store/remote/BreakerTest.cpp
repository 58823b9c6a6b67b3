// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A breaker outlives its process, lets one try at a time, and neither clocks
// nor what lies in its file keep it open for longer than its limit.
#include "runtime/store/remote/Breaker.h"

#include "test/runtime/tensor/TemporaryFolder.h"

#include <atomic>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace attn_jit::store;
using namespace std::chrono_literals;

namespace {

class BreakerFile : public testing::Test {
protected:
  Breaker make() {
    return Breaker(folder.file("v1/breakers"), "name", [this] { return now; });
  }
  void fail(Breaker &breaker) {
    auto permit = breaker.allow();
    ASSERT_TRUE(permit);
    permit->failed();
  }
  attn_jit::test::TemporaryFolder folder;
  int64_t now = 1'800'000'000'000;
};

TEST_F(BreakerFile, ClosedUntilAFailure) {
  Breaker breaker = make();
  for (int i = 0; i < 3; ++i) {
    auto permit = breaker.allow();
    ASSERT_TRUE(permit);
    permit->succeeded();
  }
  EXPECT_EQ(breaker.openFor(), 0ms);
  // Success writes nothing where nothing failed.
  EXPECT_EQ(folder.count(), 0u);
}

TEST_F(BreakerFile, OpenFor30SecondsThenTwiceAsLongUpTo10Minutes) {
  Breaker breaker = make();
  for (int64_t seconds : {30, 60, 120, 240, 480, 600, 600, 600}) {
    fail(breaker);
    EXPECT_EQ(breaker.openFor(), std::chrono::seconds(seconds));
    EXPECT_FALSE(breaker.allow());
    now += seconds * 1000 - 1;
    EXPECT_FALSE(breaker.allow());
    now += 1;
  }
}

TEST_F(BreakerFile, OneSuccessClosesIt) {
  Breaker breaker = make();
  fail(breaker);
  now += 30'000;
  breaker.allow()->succeeded();
  EXPECT_EQ(breaker.state().failures, 0);
  fail(breaker);
  EXPECT_EQ(breaker.openFor(), 30s);
}

TEST_F(BreakerFile, OutlivesItsProcess) {
  const pid_t child = fork();
  if (child == 0) {
    Breaker breaker = make();
    fail(breaker);
    _exit(0);
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  Breaker other = make();
  EXPECT_FALSE(other.allow());
  EXPECT_EQ(other.openFor(), 30s);
}

TEST_F(BreakerFile, ManyFailuresAtOnceOpenItOnce) {
  Breaker one = make(), other = make();
  auto first = one.allow(), second = other.allow(), third = one.allow();
  first->failed();
  second->failed();
  third->failed();
  EXPECT_EQ(one.openFor(), 30s);
}

TEST_F(BreakerFile, OneTriesAndTheOthersWait) {
  Breaker one = make(), other = make();
  fail(one);
  now += 30'000;
  auto trial = one.allow();
  ASSERT_TRUE(trial);
  EXPECT_FALSE(other.allow());
  trial->succeeded();
  EXPECT_TRUE(other.allow());
}

TEST_F(BreakerFile, OfManyProcessesOneTries) {
  Breaker breaker = make();
  fail(breaker);
  now += 30'000;
  // All hold what they get until all have asked.
  int ready[2], go[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(go), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      Breaker own = make();
      auto trial = own.allow();
      char byte = trial ? 'y' : 'n';
      (void)!write(ready[1], &byte, 1);
      (void)!read(go[0], &byte, 1);
      _exit(0);
    }
    children.push_back(child);
  }
  int tries = 0;
  for (int i = 0; i < 8; ++i) {
    char byte = 0;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    tries += byte == 'y';
  }
  EXPECT_EQ(tries, 1);
  ASSERT_EQ(write(go[1], "goooooo!", 8), 8);
  for (pid_t child : children)
    waitpid(child, nullptr, 0);
  for (int file : {ready[0], ready[1], go[0], go[1]})
    close(file);
  // Whoever tried has ended without a word: the next one may.
  EXPECT_TRUE(make().allow());
}

TEST_F(BreakerFile, WhatIsNoSuchFileIsAClosedBreaker) {
  mkdir(folder.file("v1").c_str(), 0700);
  mkdir(folder.file("v1/breakers").c_str(), 0700);
  const std::string opened = std::to_string(now);
  for (const std::string &text :
       {std::string(), std::string("attn-jit.breaker.v1"),
        "attn-jit.breaker.v1 1 " + opened,
        "attn-jit.breaker.v1 1 " + opened + " 600001\n",
        "attn-jit.breaker.v1 1 " + opened + " 30000\nmore",
        "attn-jit.breaker.v1 -1 " + opened + " 30000\n",
        "attn-jit.breaker.v2 1 " + opened + " 30000\n",
        std::string("attn-jit.breaker.v1 1 99999999999999999999 30000\n"),
        "attn-jit.breaker.v1 01 " + opened + " 30000\n", std::string(300, 'x'),
        std::string(200, '\0')}) {
    folder.write("v1/breakers/name", text);
    EXPECT_TRUE(make().allow()) << text;
  }
  folder.write("v1/breakers/name", "attn-jit.breaker.v1 1 " + opened + " 5\n");
  EXPECT_FALSE(make().allow());
}

TEST_F(BreakerFile, LinkInItsPlaceIsNotFollowed) {
  mkdir(folder.file("v1").c_str(), 0700);
  mkdir(folder.file("v1/breakers").c_str(), 0700);
  folder.write("elsewhere",
               "attn-jit.breaker.v1 1 " + std::to_string(now) + " 30000\n");
  ASSERT_EQ(symlink(folder.file("elsewhere").c_str(),
                    folder.file("v1/breakers/name").c_str()),
            0);
  EXPECT_TRUE(make().allow());
}

TEST_F(BreakerFile, ClockThatWasAheadKeepsItOpenForNoLonger) {
  now += int64_t(365) * 24 * 3600 * 1000;
  Breaker breaker = make();
  fail(breaker);
  now -= int64_t(365) * 24 * 3600 * 1000;
  // Opened in a year: one tries at once.
  EXPECT_EQ(breaker.openFor(), 0ms);
  auto trial = breaker.allow();
  ASSERT_TRUE(trial);
  trial->failed();
  EXPECT_EQ(breaker.openFor(), 60s);
}

TEST_F(BreakerFile, WithoutAFolderItIsMemory) {
  Breaker breaker("", "name", [this] { return now; });
  fail(breaker);
  EXPECT_FALSE(breaker.allow());
  EXPECT_EQ(breaker.openFor(), 30s);
  now += 30'000;
  breaker.allow()->succeeded();
  EXPECT_TRUE(breaker.allow());
}

TEST_F(BreakerFile, FolderThatCannotBeMadeIsMemory) {
  // Not even root makes a folder below a file.
  Breaker breaker(folder.write("file", "") + "/v1/breakers", "name",
                  [this] { return now; });
  fail(breaker);
  EXPECT_FALSE(breaker.allow());
  now += 30'000;
  fail(breaker);
  EXPECT_EQ(breaker.openFor(), 60s);
}

TEST_F(BreakerFile, ManyThreadsAtOnce) {
  Breaker breaker = make();
  std::atomic<int> allowed = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k)
        if (auto permit = breaker.allow()) {
          ++allowed;
          permit->failed();
        }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_GE(allowed, 1);
  EXPECT_LE(allowed, 4);
  EXPECT_EQ(breaker.openFor(), 30s);
}

} // namespace
