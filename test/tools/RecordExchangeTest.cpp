// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Records that travel: from a store of one host through a remote to that of
// another, which believes, hears or passes over them; and what a remote that
// does not answer costs who asks.
#include "tools/api/RecordExchange.h"
#include "runtime/store/trust/Trust.h"

#include "test/runtime/store/records/TestRecords.h"
#include "test/runtime/store/remote/FakeServers.h"

#include <cstdlib>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;
using api::RecordExchange;

namespace {

const Record fast = measured(1, 1);
const Digest problem = fast.problemDigest();

/// Hosts with stores, configurations and connections of their own, and one
/// server.
class RecordExchangeTest : public FakeServers {
protected:
  struct Host {
    TestFolder cache, config;
    std::unique_ptr<Tiers> tiers;
    std::unique_ptr<RecordExchange> exchange;
    RecordExchange *operator->() const { return exchange.get(); }
  };

  /// From now on this host's configuration is the process's.
  static void enter(const Host &host) {
    ASSERT_EQ(setenv("ATTN_JIT_CONFIG", host.config.path.c_str(), 1), 0);
  }
  Host host(bool readOnly = false) {
    Host made;
    enter(made);
    made.tiers = open(1);
    made.exchange = std::make_unique<RecordExchange>(
        made.cache.root(false, readOnly), made.tiers.get());
    return made;
  }
  /// A new process of that host.
  void again(Host &host) {
    enter(host);
    host.exchange.reset();
    host.exchange =
        std::make_unique<RecordExchange>(host.cache.root(), host.tiers.get());
  }
  /// The line of its public key.
  static TrustedKey giveKey(const Host &host) {
    auto key = SigningKey::generate(host.config.path + "/signing_key");
    EXPECT_TRUE(key) << key.error().text;
    return key->publicKey();
  }
  static std::string keyFile(const Host &host) {
    return host.config.path + "/trusted_keys";
  }
  /// What it measures, and that it has reached the server.
  static void measure(Host &host, std::span<const Record> records) {
    enter(host);
    ASSERT_TRUE(host->add(records));
    host->offer(problem, records[0].session);
    ASSERT_TRUE(drain(*host.tiers));
  }
  static std::vector<std::string> known(Host &host) {
    enter(host);
    std::vector<std::string> all;
    auto records = host->ofProblem(problem);
    EXPECT_TRUE(records) << records.error().text;
    for (const StoredRecord &each : *records)
      all.push_back(std::string(store::name(each.voice)) + " " + each.origin);
    return all;
  }
  /// Asks in the background and waits for what comes.
  static bool hears(Host &host) {
    enter(host);
    size_t seen = 0;
    host->ask(problem);
    for (int i = 0; i < 1000; ++i) {
      if (host->came(seen) == std::vector{problem})
        return true;
      std::this_thread::sleep_for(2ms);
    }
    return false;
  }
  int asked() { return servers[0]->asked; }
  void TearDown() override {
    FakeServers::TearDown();
    unsetenv("ATTN_JIT_CONFIG");
  }
};

using Words = std::vector<std::string>;

TEST_F(RecordExchangeTest, WithoutAListedKeyTheyAreHints) {
  Host one = host();
  giveKey(one);
  measure(one, {{fast}});
  EXPECT_EQ(known(one), Words{"own "});
  Host two = host();
  ASSERT_TRUE(hears(two));
  EXPECT_EQ(known(two), Words{"foreign fake://0"});
}

TEST_F(RecordExchangeTest, SignedByAListedKeyTheyAreAsOnesOwnUntilItIsRevoked) {
  Host one = host();
  const TrustedKey key = giveKey(one);
  measure(one, {{fast}});
  Host two = host();
  ASSERT_TRUE(trustKey(keyFile(two), key));
  ASSERT_TRUE(hears(two));
  EXPECT_EQ(known(two), Words{"own fake://0"});
  again(two);
  EXPECT_EQ(known(two), Words{"own fake://0"});
  ASSERT_TRUE(revokeKey(keyFile(two), key.id(), "lost"));
  EXPECT_EQ(known(two), Words{"foreign fake://0"});
}

TEST_F(RecordExchangeTest, ARetractionHoldsAsLongAsItsKeyIsListed) {
  Host one = host();
  const TrustedKey key = giveKey(one);
  measure(one, {{fast}});
  measure(one, {{retraction(fast)}});
  // What was measured here, and what a stranger could say of it.
  Host two = host();
  ASSERT_TRUE(two->add({{fast}}));
  ASSERT_TRUE(trustKey(keyFile(two), key));
  ASSERT_TRUE(hears(two));
  EXPECT_EQ(known(two), Words());
  ASSERT_TRUE(revokeKey(keyFile(two), key.id(), "lost"));
  EXPECT_EQ(known(two), Words{"own "});
}

TEST_F(RecordExchangeTest, AKeyThatIsListedLaterCountsForWhatCameBefore) {
  Host one = host();
  const TrustedKey key = giveKey(one);
  measure(one, {{fast}});
  Host two = host();
  ASSERT_TRUE(hears(two));
  ASSERT_TRUE(trustKey(keyFile(two), key));
  EXPECT_EQ(known(two), Words{"own fake://0"});
}

TEST_F(RecordExchangeTest, WithoutAKeyOfOnesOwnTheyGoUnsigned) {
  Host one = host();
  measure(one, {{fast}});
  EXPECT_EQ(servers[0]->records[problem], std::set{fast.line()});
  EXPECT_EQ(known(one), Words{"own "});
}

TEST_F(RecordExchangeTest, OnlyWhatASessionMeasuredHereIsOffered) {
  Host one = host();
  Record other = measured(1, 2), final = measured(1, 3);
  other.session = "another";
  final.session = fast.session + ".final";
  ASSERT_TRUE(one->own().add(
      std::vector<StoredRecord>{{measured(1, 4), Voice::Own, "fake://0"},
                                {measured(1, 5), Voice::Foreign, "fake://0"}}));
  measure(one, {{fast, other, final}});
  EXPECT_EQ(servers[0]->records[problem],
            (std::set{fast.line(), final.line()}));
}

TEST_F(RecordExchangeTest, WhatIsNoRecordOfTheProblemIsPassedOver) {
  Host one = host();
  const std::string changed = [] {
    std::string line = fast.line();
    line.replace(line.find("41801"), 5, "00801");
    return line;
  }();
  servers[0]->records[problem] = {"no record", changed, measured(2, 1).line(),
                                  fast.line()};
  ASSERT_TRUE(hears(one));
  EXPECT_EQ(known(one), Words{"foreign fake://0"});
  EXPECT_EQ(*one->problems(), std::vector{problem});
}

TEST_F(RecordExchangeTest, AProblemIsAskedForOnceAProcessAndOnceInMinutes) {
  Host one = host();
  servers[0]->records[problem] = {fast.line()};
  ASSERT_TRUE(hears(one));
  const int once = asked();
  one->ask(problem);
  again(one);
  one->ask(problem);
  EXPECT_TRUE(answered(*one.tiers));
  EXPECT_EQ(asked(), once + 1);
  EXPECT_EQ(known(one), Words{"foreign fake://0"});
  // Another problem, and the same one after a while.
  again(one);
  std::filesystem::remove(one.cache.path + "/v1/asked");
  EXPECT_TRUE(hears(one));
}

TEST_F(RecordExchangeTest, OneThatRunsIsToldWhatAnotherProcessWasGiven) {
  Host one = host();
  // Alive since before anything came.
  RecordExchange other(one.cache.root(), one.tiers.get());
  EXPECT_TRUE(other.problems()->empty());
  servers[0]->records[problem] = {fast.line()};
  ASSERT_TRUE(hears(one));
  const int once = asked();
  EXPECT_TRUE(other.ask(problem));
  EXPECT_TRUE(other.ask(problem));
  EXPECT_EQ(*other.problems(), std::vector{problem});
  EXPECT_TRUE(answered(*one.tiers));
  EXPECT_EQ(asked(), once + 1);
  // Whose own question it was hears of it as it comes.
  EXPECT_FALSE(one->ask(problem));
}

TEST_F(RecordExchangeTest, WhoeverGaveNoAnswerIsAskedByTheNextProcess) {
  Host one = host();
  servers[0]->mood = Mood::Fails;
  one->fetch(problem, Clock::now() + 1s);
  EXPECT_FALSE(std::filesystem::exists(one.cache.path + "/v1/asked"));
  EXPECT_EQ(known(one), Words());

  servers[0]->mood = Mood::Well;
  servers[0]->records[problem] = {fast.line()};
  // One that starts when its breaker lets it ask again.
  one.exchange.reset();
  one.tiers.reset();
  std::filesystem::remove_all(root.path / "v1/breakers");
  one.tiers = open(1);
  again(one);
  EXPECT_TRUE(hears(one));
  EXPECT_EQ(known(one), Words{"foreign fake://0"});
}

TEST_F(RecordExchangeTest, ATunerWaitsForWhatIsThereNow) {
  Host one = host();
  servers[0]->records[problem] = {fast.line()};
  one->fetch(problem, Clock::now() + 10s);
  EXPECT_EQ(known(one), Words{"foreign fake://0"});
  servers[0]->records[problem].insert(measured(1, 2).line());
  one->fetch(problem, Clock::now() + 10s);
  EXPECT_EQ(known(one), (Words{"foreign fake://0", "foreign fake://0"}));
  servers[0]->mood = Mood::HangsForEver;
  const auto start = Clock::now();
  one->fetch(problem, start + 100ms);
  EXPECT_LT(Clock::now() - start, 2s);
}

TEST_F(RecordExchangeTest, AReadOnlyStoreKeepsThemInMemory) {
  Host one = host();
  measure(one, {{fast}});
  servers[0]->records[problem] = {measured(1, 2).line()};
  one.exchange = std::make_unique<RecordExchange>(one.cache.root(false, true),
                                                  one.tiers.get());
  ASSERT_TRUE(hears(one));
  EXPECT_EQ(known(one), (Words{"own ", "foreign fake://0"}));
  again(one);
  EXPECT_EQ(known(one), Words{"own "});
}

TEST_F(RecordExchangeTest, AChildOfForkHasItsStoreAndAsksNobody) {
  Host one = host();
  measure(one, {{fast}});
  one->ask(measured(2, 1).problemDigest());
  const pid_t child = fork();
  if (child == 0) {
    one->ask(measured(3, 1).problemDigest());
    size_t seen = 0;
    const bool good = known(one) == Words{"own "} && one->came(seen).empty();
    one.exchange.reset();
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

class RecordExchangeMood : public RecordExchangeTest,
                           public testing::WithParamInterface<Mood> {};

TEST_P(RecordExchangeMood, NobodyWaits) {
  Host one = host();
  servers[0]->mood = GetParam();
  std::vector<std::chrono::nanoseconds> costs;
  for (int i = 0; i < 40; ++i) {
    const Digest of = measured(100 + i, 1).problemDigest();
    const auto start = Clock::now();
    one->ask(of);
    costs.push_back(Clock::now() - start);
  }
  std::ranges::sort(costs);
  std::printf("median %ld us, worst %ld us\n", long(costs[20].count() / 1000),
              long(costs.back().count() / 1000));
  // Wide, as a busy machine takes the thread's turn from some.
  EXPECT_LT(costs[20], 50ms);
  const auto end = Clock::now();
  one.exchange.reset();
  EXPECT_LT(Clock::now() - end, 1s);
}

INSTANTIATE_TEST_SUITE_P(All, RecordExchangeMood,
                         testing::Values(Mood::Well, Mood::Fails,
                                         Mood::SlowToDeadline,
                                         Mood::HangsForEver, Mood::Lies),
                         [](const auto &info) {
                           return "Mood" + std::to_string(int(info.param));
                         });

} // namespace
