// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is told of a remote outlives the processes that counted it, whoever ends
// at the same time, and no file is worth an error or a wait.
#include "runtime/store/files/FileLock.h"

#include "test/runtime/store/remote/FakeServers.h"

#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {

class RemoteMeterTest : public testing::Test {
protected:
  std::string file() const {
    return folder.path.string() + "/breakers/a.stats";
  }
  void write(const std::string &text) const {
    ASSERT_TRUE(RemoteMeter(file()).ofAll().times.empty());
    mkdir((folder.path.string() + "/breakers").c_str(), 0700);
    std::ofstream(file()) << text;
  }
  attn_jit::test::TemporaryFolder folder;
};

TEST_F(RemoteMeterTest, OutlivesItsProcess) {
  for (int i = 1; i <= 3; ++i) {
    RemoteMeter meter(file());
    meter.count(&RemoteCounts::hits, 2);
    meter.count(&RemoteCounts::bytesIn, 1000);
    meter.failed({rt::ErrorCode::Timeout, "late", {}});
    meter.took(10us * i);
    EXPECT_EQ(meter.ofAll().counts.hits, 2 * i);
    meter.flush();
    EXPECT_EQ(meter.ofProcess().counts.hits, 0);
    EXPECT_EQ(meter.ofAll().counts.hits, 2 * i);
  }
  const RemoteFigures all = RemoteMeter(file()).ofAll();
  EXPECT_EQ(all.counts.hits, 6);
  EXPECT_EQ(all.counts.bytesIn, 3000);
  EXPECT_EQ(all.counts.timeouts, 3);
  EXPECT_EQ(all.counts.misses, 0);
  EXPECT_EQ(all.times, (std::vector<int64_t>{10, 20, 30}));
  EXPECT_EQ(all.percentile(50), 20us);
  EXPECT_EQ(all.percentile(99), 20us);
  EXPECT_EQ(all.percentile(100), 30us);
}

TEST_F(RemoteMeterTest, WhoCountedNothingWritesNothing) {
  RemoteMeter(file()).flush();
  EXPECT_NE(access((folder.path.string() + "/breakers").c_str(), F_OK), 0);
  RemoteMeter alone;
  alone.count(&RemoteCounts::hits);
  alone.flush();
  EXPECT_EQ(alone.ofAll().counts.hits, 1);
}

TEST_F(RemoteMeterTest, LastTimesAreKept) {
  for (int i = 0; i < 3; ++i) {
    RemoteMeter meter(file());
    for (int j = 0; j < 700; ++j)
      meter.took(std::chrono::microseconds(700 * i + j));
    meter.flush();
  }
  const auto times = RemoteMeter(file()).ofAll().times;
  ASSERT_EQ(times.size(), 1024u);
  EXPECT_EQ(times.front(), 2100 - 1024);
  EXPECT_EQ(times.back(), 2099);
}

TEST_F(RemoteMeterTest, ManyProcessesEndAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      RemoteMeter meter(file());
      meter.count(&RemoteCounts::misses);
      meter.took(5us);
      meter.flush();
      _exit(int(meter.ofProcess().counts.misses));
    }
    children.push_back(child);
  }
  // Who got no lock in time still has what it counted.
  int64_t left = 0;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    left += WEXITSTATUS(status);
  }
  const RemoteFigures all = RemoteMeter(file()).ofAll();
  EXPECT_EQ(all.counts.misses + left, 8);
  EXPECT_EQ(int64_t(all.times.size()) + left, 8);
}

TEST_F(RemoteMeterTest, LockIsNotWaitedForLong) {
  write("hits 1\n\n");
  const auto lock =
      FileLock::take(file() + ".lock", 0, FileLock::Kind::Exclusive, 0ms);
  ASSERT_TRUE(lock);
  RemoteMeter meter(file());
  meter.count(&RemoteCounts::hits);
  const auto start = Clock::now();
  meter.flush();
  EXPECT_LT(Clock::now() - start, 2s); // 100 ms, on a busy machine
  EXPECT_EQ(meter.ofProcess().counts.hits, 1);
  EXPECT_EQ(RemoteMeter(file()).ofAll().counts.hits, 1);
}

TEST_F(RemoteMeterTest, WhateverTheFileHolds) {
  write("hits 3\nlater 7\nmisses -1\nnonsense\n 5 6 x 7\n");
  RemoteMeter meter(file());
  EXPECT_EQ(meter.ofAll().counts.hits, 3);
  EXPECT_EQ(meter.ofAll().counts.misses, 0);
  EXPECT_EQ(meter.ofAll().times, (std::vector<int64_t>{5, 6}));
  meter.count(&RemoteCounts::hits, INT64_MAX);
  meter.flush();
  EXPECT_EQ(RemoteMeter(file()).ofAll().counts.hits, INT64_MAX);
  std::string text;
  std::getline(std::ifstream(file()), text, '\0');
  EXPECT_NE(text.find("\nlater 7\n"), std::string::npos) << text;
}

TEST_F(RemoteMeterTest, TiersKeepWhatTheyCounted) {
  const std::string root = folder.path.string();
  RemoteOptions options;
  options.url = "file://" + root;
  const Entry made = entry("a");
  for (int i = 1; i <= 2; ++i) {
    auto tiers = Tiers::open({&options, 1}, root);
    ASSERT_TRUE(tiers);
    EXPECT_FALSE(
        (*tiers)->fetch(made.action.key.digest()).wait(Clock::now() + 10s));
    const RemoteStats stats = (*tiers)->stats()[0];
    EXPECT_EQ(stats.counts.misses, 1);
    EXPECT_EQ(stats.all.counts.misses, i);
  }
}

} // namespace
