// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is offered to remotes is written behind the caller's back, within
// bounds: of the queue, of a quota, of what may be replaced; and a server that
// was emptied is filled again.
#include "test/runtime/store/remote/FakeServers.h"

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {

using TiersWrite = FakeServers;

TEST_F(TiersWrite, OffersAreWrittenTheObjectFirst) {
  auto tiers = open(2);
  tiers->offer(entry("a"));
  tiers->offerRecords(keyOf("p"), {"one", "two"});
  ASSERT_TRUE(drain(*tiers));
  for (const auto &server : servers) {
    EXPECT_EQ(server->log, (std::vector<std::string>{"objects", "actions"}));
    EXPECT_EQ(server->records[keyOf("p")].size(), 2u);
  }
  EXPECT_EQ(tiers->stats()[0].counts.written, 1);
  EXPECT_TRUE(get(*tiers, "a"));
}

TEST_F(TiersWrite, OffersAreWrittenBeforeTheEnd) {
  TierLimits limits;
  limits.exit = 20s;
  auto tiers = open(1, limits);
  for (int i = 0; i < 50; ++i)
    tiers->offer(entry(std::to_string(i)));
  tiers.reset();
  EXPECT_EQ(servers[0]->bytes.size(), 100u);
}

TEST_F(TiersWrite, UnsignedActionReplacesNoOther) {
  auto tiers = open(1);
  put(0, entry("a", true));
  tiers->offer(entry("a"));
  tiers->offer(entry("b"));
  tiers->offer(entry("b", true));
  ASSERT_TRUE(drain(*tiers));
  EXPECT_EQ(get(*tiers, "a")->entry.action.signatures.size(), 1u);
  EXPECT_EQ(get(*tiers, "b")->entry.action.signatures.size(), 1u);
}

/// Signed by the host of that number.
Entry signedBy(const std::string &name, int host) {
  Entry made = entry(name);
  made.action.signatures.push_back(
      {"012345678abcde" + std::to_string(10 + host), "c2ln"});
  return made;
}

TEST_F(TiersWrite, SignaturesOfSeveralHostsStandSideBySide) {
  for (int host : {1, 0, 2, 1}) {
    auto tiers = open(1);
    tiers->offer(signedBy("a", host));
    ASSERT_TRUE(drain(*tiers));
  }
  const auto signatures = get(*open(1), "a")->entry.action.signatures;
  ASSERT_EQ(signatures.size(), 3u);
  for (int host = 0; host < 3; ++host)
    EXPECT_EQ(signatures[size_t(host)],
              signedBy("a", host).action.signatures[0]);
}

TEST_F(TiersWrite, AnotherBodyGivesWay) {
  auto tiers = open(1);
  Entry other = signedBy("a", 1);
  other.action.manifest = "{\"other\":1}";
  put(0, other);
  tiers->offer(signedBy("a", 2));
  ASSERT_TRUE(drain(*tiers));
  const auto found = get(*tiers, "a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->entry.action.manifest, "{}");
  EXPECT_EQ(found->entry.action.signatures.size(), 1u);
}

TEST_F(TiersWrite, WhereNoMoreFitOnesOwnSignatureIsThere) {
  auto tiers = open(1);
  Entry full = entry("a");
  for (int host = 0; host < 16; ++host)
    full.action.signatures.push_back(signedBy("a", host).action.signatures[0]);
  put(0, full);
  tiers->offer(signedBy("a", 20));
  ASSERT_TRUE(drain(*tiers));
  EXPECT_EQ(get(*tiers, "a")->entry.action.signatures,
            signedBy("a", 20).action.signatures);
}

TEST_F(TiersWrite, ReadOnlyRemoteIsNeverWritten) {
  options.readOnly = true;
  auto tiers = open(1);
  tiers->offer(entry("a"));
  tiers->offerRecords(keyOf("p"), {"one"});
  EXPECT_FALSE(get(*tiers, "a"));
  ASSERT_TRUE(drain(*tiers));
  EXPECT_EQ(servers[0]->requests, 1);
  EXPECT_TRUE(servers[0]->bytes.empty());
}

TEST_F(TiersWrite, FullQueueDropsAndCounts) {
  TierLimits limits;
  limits.queuedWrites = 4;
  limits.exit = 10ms;
  auto tiers = open(1, limits);
  servers[0]->mood = Mood::HangsForEver;
  const auto started = Clock::now();
  for (int i = 0; i < 20; ++i)
    tiers->offer(entry(std::to_string(i)));
  EXPECT_LE(Clock::now() - started, 1s); // none waited for a write
  // One runs, four wait.
  EXPECT_GE(tiers->stats()[0].counts.dropped, 15);
  EXPECT_LE(tiers->stats()[0].queued, 4u);
}

TEST_F(TiersWrite, QueueIsBoundedInBytesToo) {
  TierLimits limits;
  limits.queuedBytes = 100;
  auto tiers = open(1, limits);
  Entry large = entry("a");
  large.object.assign(1000, 'x');
  tiers->offer(large);
  EXPECT_EQ(tiers->stats()[0].counts.dropped, 1);
}

TEST_F(TiersWrite, BeyondItsQuotaNothingIsWritten) {
  const int64_t one =
      int64_t(entry("0").object.size() + entry("0").action.text().size());
  options.quotaBytes = 3 * one;
  {
    auto tiers = open(1);
    for (int i = 0; i < 5; ++i)
      tiers->offer(entry(std::to_string(i)));
    ASSERT_TRUE(drain(*tiers));
    const RemoteStats stats = tiers->stats()[0];
    EXPECT_EQ(stats.counts.written, 3);
    EXPECT_EQ(stats.counts.overQuota, 2);
    EXPECT_EQ(stats.quotaUsed, 3 * one);
  }
  // Nor by the next process.
  auto next = open(1);
  next->offer(entry("9"));
  ASSERT_TRUE(drain(*next));
  EXPECT_EQ(next->stats()[0].counts.overQuota, 1);
}

TEST_F(TiersWrite, ServerThatCannotBeWrittenIsStillRead) {
  auto tiers = open(1);
  put(0, entry("a"));
  servers[0]->mood = Mood::FailsToWrite;
  tiers->offer(entry("b"));
  ASSERT_TRUE(drain(*tiers));
  EXPECT_GT(tiers->stats()[0].writesOpenFor, 0ms);
  EXPECT_TRUE(get(*tiers, "a"));
}

TEST_F(TiersWrite, EmptiedServerIsFilledAgain) {
  TierLimits limits;
  limits.epochEvery = 0ms;
  Refill refill;
  refill.entries = [](const std::function<bool(const Entry &)> &visit) {
    for (const char *name : {"a", "b", "c"})
      if (!visit(entry(name)))
        return;
  };
  refill.records = [](const auto &visit) {
    const std::string lines[] = {"one", "two"};
    visit(keyOf("p"), lines);
  };
  {
    auto tiers = open(1, limits, refill);
    tiers->offer(entry("a"));
    ASSERT_TRUE(drain(*tiers));
    // A remote that is new is not filled with everything.
    EXPECT_EQ(servers[0]->bytes.size(), 2u);
  }
  servers[0]->bytes.clear();
  servers[0]->epoch = "second";
  // By another process, and by no more than a look-up that misses.
  auto tiers = open(1, limits, refill);
  EXPECT_FALSE(get(*tiers, "unknown"));
  ASSERT_TRUE(drain(*tiers));
  EXPECT_EQ(servers[0]->bytes.size(), 6u);
  EXPECT_EQ(servers[0]->records[keyOf("p")].size(), 2u);
  EXPECT_EQ(tiers->stats()[0].counts.refills, 1);
  EXPECT_FALSE(get(*tiers, "unknown"));
  ASSERT_TRUE(drain(*tiers));
  EXPECT_EQ(tiers->stats()[0].counts.refills, 1);
}

TEST_F(TiersWrite, RefillThatFailsIsDoneAnotherTime) {
  TierLimits limits;
  limits.epochEvery = 0ms;
  Refill refill;
  refill.entries = [](const auto &visit) { visit(entry("a")); };
  { // The first epoch is seen.
    auto tiers = open(1, limits, refill);
    get(*tiers, "unknown");
    drain(*tiers);
  }
  servers[0]->epoch = "second";
  servers[0]->mood = Mood::FailsToWrite;
  {
    auto tiers = open(1, limits, refill);
    get(*tiers, "unknown");
    drain(*tiers);
  }
  servers[0]->mood = Mood::Well;
  for (const auto &file :
       std::filesystem::directory_iterator(root.path / "v1" / "breakers"))
    if (file.path().extension() == ".writes")
      std::filesystem::remove(file.path()); // 30 seconds have passed
  auto tiers = open(1, limits, refill);
  get(*tiers, "unknown");
  drain(*tiers);
  EXPECT_EQ(tiers->stats()[0].counts.refills, 1);
  EXPECT_EQ(servers[0]->bytes.size(), 2u);
}

} // namespace
