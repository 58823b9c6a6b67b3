// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Look-ups over several remotes: who is asked and who is passed by, what is
// believed of an answer, and that what is found is counted.
#include "test/runtime/store/remote/FakeServers.h"

#include <sys/wait.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {

using TiersTest = FakeServers;

TEST_F(TiersTest, FirstRemoteInOrderAnswers) {
  auto tiers = open(3);
  put(1, entry("a"));
  put(2, entry("a"));
  const auto found = get(*tiers, "a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->origin, "fake://1");
  EXPECT_EQ(found->entry.object, "object of a");
  EXPECT_EQ(found->entry.action.key, entry("a").action.key);
  const auto stats = tiers->stats();
  EXPECT_EQ(stats[0].counts.misses, 1);
  EXPECT_EQ(stats[1].counts.hits, 1);
  EXPECT_GT(stats[1].counts.bytesIn, 0);
  EXPECT_GT(stats[1].all.percentile(99).count(), 0);
  EXPECT_GE(stats[1].all.percentile(99), stats[1].all.percentile(50));
  EXPECT_EQ(servers[2]->requests, 0);
}

TEST_F(TiersTest, NothingAnywhereIsDoneToo) {
  auto tiers = open(2);
  EXPECT_FALSE(get(*tiers, "a"));
  EXPECT_FALSE(get(*open(0), "a"));
}

TEST_F(TiersTest, WhatIsNotWhatItSaysIsPassedOver) {
  auto tiers = open(4);
  // Other bytes; another key's action; no action; right.
  put(0, entry("a"));
  servers[0]->bytes[{Space::Objects, entry("a").action.object}] = "other bytes";
  put(1, entry("b"));
  servers[1]->bytes[{Space::Actions, keyOf("a")}] = entry("b").action.text();
  servers[2]->bytes[{Space::Actions, keyOf("a")}] = "garbage\n";
  put(3, entry("a"));
  const auto found = get(*tiers, "a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->origin, "fake://3");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(tiers->stats()[i].counts.corrupt, 1) << i;
    // Its other entries may be good.
    EXPECT_EQ(tiers->stats()[i].readsOpenFor, 0ms);
  }
}

TEST_F(TiersTest, RecordsComeFromAllRemotes) {
  auto tiers = open(4);
  servers[0]->records[keyOf("p")] = {"one"};
  servers[1]->mood = Mood::Fails;
  servers[2]->records[keyOf("p")] = {"one", "two"};
  auto fetch = tiers->fetchRecords(keyOf("p"));
  std::map<std::string, size_t> found;
  for (const FetchedRecords &each : fetch.wait(Clock::now() + 10s))
    found[each.origin] = each.lines.size();
  // Who has none says so; who fails says nothing.
  EXPECT_EQ(found, (std::map<std::string, size_t>{
                       {"fake://0", 1}, {"fake://2", 2}, {"fake://3", 0}}));
}

TEST_F(TiersTest, RemoteThatHangsForEverKeepsNoOtherFromAnswering) {
  options.request = 10ms;
  auto tiers = open(2);
  put(1, entry("a"));
  servers[0]->mood = Mood::HangsForEver;
  auto first = tiers->fetch(keyOf("a"));
  EXPECT_FALSE(first.wait(Clock::now() + 50ms));
  std::this_thread::sleep_for(1100ms);
  // It is late by a second: those that come now pass it by.
  const auto found = get(*tiers, "a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->origin, "fake://1");
  EXPECT_GE(tiers->stats()[0].counts.skipped, 1);
}

TEST_F(TiersTest, OneFailureStopsAskingInAllProcesses) {
  auto tiers = open(1);
  servers[0]->mood = Mood::Fails;
  EXPECT_FALSE(get(*tiers, "a"));
  EXPECT_EQ(servers[0]->requests, 1);
  EXPECT_FALSE(get(*tiers, "a"));
  EXPECT_FALSE(get(*open(1), "a"));
  EXPECT_EQ(servers[0]->requests, 1);
  const RemoteStats stats = tiers->stats()[0];
  EXPECT_EQ(stats.counts.failures, 1);
  EXPECT_EQ(stats.counts.skipped, 1);
  EXPECT_GT(stats.readsOpenFor, 25s);
  EXPECT_EQ(stats.lastError, "remote fake://0: broken");
}

TEST_F(TiersTest, RemoteThatKeepsNoRecordsIsNotBroken) {
  auto tiers = open(1);
  servers[0]->refusesRecords = true;
  tiers->offerRecords(keyOf("p"), {"one"});
  ASSERT_TRUE(drain(*tiers));
  const RemoteStats stats = tiers->stats()[0];
  EXPECT_EQ(stats.recordsRefused, "it lists nothing");
  EXPECT_EQ(stats.writesOpenFor, 0ms);
  EXPECT_EQ(stats.counts.failures, 0);
  // It is not asked again, and keeps all else.
  const int asked = servers[0]->requests;
  tiers->offerRecords(keyOf("p"), {"two"});
  const auto found = tiers->fetchRecords(keyOf("p")).wait(Clock::now() + 10s);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].lines.empty());
  ASSERT_TRUE(drain(*tiers));
  EXPECT_EQ(servers[0]->requests, asked);
  tiers->offer(entry("a"));
  ASSERT_TRUE(drain(*tiers));
  EXPECT_TRUE(get(*tiers, "a"));
}

TEST_F(TiersTest, ChildOfForkFindsNothingAndWritesNothing) {
  auto tiers = open(1);
  put(0, entry("a"));
  ASSERT_TRUE(get(*tiers, "a"));
  // One that hangs, so that locks may be held at the moment of the fork.
  servers[0]->mood = Mood::HangsForEver;
  auto running = tiers->fetch(keyOf("a"));
  tiers->offer(entry("b"));
  const pid_t child = fork();
  if (child == 0) {
    const auto started = Clock::now();
    auto fetch = tiers->fetch(keyOf("a"));
    tiers->offer(entry("c"));
    tiers->offerRecords(keyOf("p"), {"one"});
    const bool nothing = fetch.done() && !fetch.wait(Clock::now() + 10s) &&
                         running.done() && !running.wait(Clock::now() + 10s) &&
                         tiers->drain(Clock::now() + 10s) &&
                         tiers->stats().empty();
    running = {};
    tiers.reset();
    _exit(nothing && Clock::now() - started < 1s ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  servers[0]->mood = Mood::Well;
  EXPECT_TRUE(running.wait(Clock::now() + 10s));
}

TEST_F(TiersTest, ManyThreadsAtOnce) {
  auto tiers = open(2);
  put(1, entry("a"));
  std::vector<std::thread> threads;
  std::atomic<int> found = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 25; ++k) {
        tiers->offer(entry(std::to_string(i * 100 + k)));
        found += bool(get(*tiers, "a"));
        auto dropped = tiers->fetch(keyOf("nobody's"));
        (void)tiers->stats();
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(found, 8 * 25);
  ASSERT_TRUE(drain(*tiers));
  EXPECT_EQ(tiers->stats()[0].counts.written, 8 * 25);
}

TEST_F(TiersTest, WhoWaitsAsksWhateverTheBreakerSays) {
  servers.push_back(std::make_shared<Server>());
  servers[0]->mood = Mood::Fails;
  EXPECT_FALSE(get(*open(1), "a"));
  EXPECT_GT(open(1)->stats()[0].readsOpenFor, 25s);
  servers[0]->mood = Mood::Well;
  put(0, entry("a"));
  TierLimits waits;
  waits.foreground = true;
  EXPECT_FALSE(get(*open(1), "a"));
  EXPECT_TRUE(get(*open(1, waits), "a"));
  // What it meets is its own: neither open nor closed for others.
  EXPECT_GT(open(1)->stats()[0].readsOpenFor, 25s);
  servers[0]->mood = Mood::FailsToWrite;
  auto tiers = open(1, waits);
  tiers->offer(entry("b"));
  EXPECT_TRUE(drain(*tiers));
  EXPECT_EQ(tiers->stats()[0].counts.failures, 1);
  EXPECT_EQ(open(1)->stats()[0].writesOpenFor, 0ms);
  // Whether it was emptied is for others to find out.
  for (const auto &file :
       std::filesystem::directory_iterator(root.path / "v1/breakers"))
    EXPECT_NE(file.path().extension(), ".epoch");
}

TEST(TiersOpen, ErrorIsTheRemotes) {
  RemoteOptions options;
  options.url = "redis://u:s3cret@cache/x";
  const auto tiers = Tiers::open({&options, 1}, "");
  ASSERT_FALSE(tiers.ok());
  EXPECT_EQ(tiers.error().text.find("s3cret"), std::string::npos);
}

} // namespace
