// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Hosts that want one key at once: one compiles it. What they wait for is
// bounded, whatever a server says or does.
#include "runtime/store/remote/FleetLookup.h"
#include "runtime/store/trust/Lease.h"

#include "test/runtime/store/remote/FakeServers.h"
#include "test/runtime/store/remote/RunDelay.h"
#include "test/runtime/store/trust/TestKeys.h"

#include <cstdlib>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;
using std::chrono::milliseconds;

namespace {

/// So long that a busy machine asks for the lease within it, and shorter than
/// one.
constexpr milliseconds compilation{400};

class FleetLookupTest : public FakeServers {
protected:
  void SetUp() override {
    setenv("ATTN_JIT_CONFIG", config.path.c_str(), 1);
    auto key = SigningKey::generate((config.path / "signing_key").string());
    ASSERT_TRUE(key) << key.error().text;
    keys = std::move(*TrustedKeys::parse(
        key->publicKey().line() + "\n" + lineOf(1), "keys"));
  }
  void TearDown() override {
    unsetenv("ATTN_JIT_CONFIG");
    FakeServers::TearDown();
  }

  struct Ended {
    bool compiled = false, found = false;
    milliseconds took{};
  };
  /// As KernelStore does it; the compiler looks every 2 ms whether it is called
  /// off.
  Ended lookUp(Tiers &tiers, FleetMemory &memory, const std::string &name) {
    const Clock::time_point begin = Clock::now();
    FleetLookup lookup(tiers, memory, keyOf(name));
    Ended ended;
    std::optional<FetchedEntry> came;
    auto compile = [&] {
      const auto end = Clock::now() + compilation;
      while (Clock::now() < end) {
        if ((came = lookup.poll(keys)) || lookup.madeElsewhere())
          return false;
        std::this_thread::sleep_for(2ms);
      }
      return true;
    };
    ended.compiled = compile();
    while (!ended.compiled && !came && lookup.madeElsewhere())
      if (!(came = lookup.await()))
        ended.compiled = compile();
    ended.found = came.has_value();
    ended.took = std::chrono::ceil<milliseconds>(Clock::now() - begin);
    if (ended.compiled)
      tiers.offer(entry(name, /*isSigned=*/true));
    return ended;
  }
  Ended lookUp(const std::string &name) {
    auto tiers = open(1);
    FleetMemory memory;
    return lookUp(*tiers, memory, name);
  }

  struct AllEnded {
    int compiled = 0, found = 0;
    milliseconds slowest{};
  };
  /// Hosts with connections of their own, of the key "a".
  AllEnded lookUpAtOnce(size_t hosts) {
    std::vector<std::unique_ptr<Tiers>> tiers(hosts);
    for (auto &each : tiers)
      each = open(1);
    std::vector<Ended> ended(hosts);
    std::vector<std::jthread> threads(hosts);
    for (size_t i = 0; i < hosts; ++i)
      threads[i] = std::jthread([&, i] {
        FleetMemory own;
        ended[i] = lookUp(*tiers[i], own, "a");
      });
    threads.clear();
    AllEnded all;
    for (const Ended &each : ended) {
      all.compiled += each.compiled, all.found += each.found;
      all.slowest = std::max(all.slowest, each.took);
    }
    return all;
  }

  int requests() const {
    std::lock_guard lock(servers[0]->mutex);
    return servers[0]->requests;
  }
  std::string heldLease(const std::string &name) const {
    std::lock_guard lock(servers[0]->mutex);
    return servers[0]->leases[keyOf(name)].first;
  }
  void expectElsewhere(FleetLookup &lookup) const {
    const auto latest = Clock::now() + 10s;
    while (!lookup.madeElsewhere() && Clock::now() < latest) {
      EXPECT_FALSE(lookup.poll(keys));
      std::this_thread::sleep_for(1ms);
    }
    ASSERT_TRUE(lookup.madeElsewhere());
  }

  void hold(const std::string &name, const std::string &text,
            milliseconds left) {
    if (servers.empty())
      servers.push_back(std::make_shared<Server>());
    std::lock_guard lock(servers[0]->mutex);
    servers[0]->leases[keyOf(name)] = {text, Clock::now() + left};
  }
  static std::string leaseOf(const std::string &name, unsigned char by = 1) {
    return Lease::of(keyOf(name)).text(signer(by));
  }

  attn_jit::test::TemporaryFolder config;
  FleetMemory memory;
  TrustedKeys keys;
};

TEST_F(FleetLookupTest, HostsThatBeginAtOnceCompileOnce) {
  const auto [compiled, found, slowest] = lookUpAtOnce(12);
  EXPECT_EQ(compiled, 1);
  EXPECT_EQ(found, 11);
  EXPECT_LE(slowest, compilation + FleetLookup::mostWait);
}

TEST_F(FleetLookupTest, ADeadHolderCostsWhatIsLeftOfItsLease) {
  const std::string dead = leaseOf("a");
  hold("a", dead, 300ms);
  const Ended ended = lookUp("a");
  EXPECT_TRUE(ended.compiled);
  EXPECT_GE(ended.took, 290ms);
  EXPECT_LT(ended.took, 300ms + compilation + 500ms);
  // Who compiles now says so.
  EXPECT_NE(heldLease("a"), dead);
}

// Not only by the one who takes it over: the others wait for that one.
TEST_F(FleetLookupTest, AfterADeadHolderOneCompiles) {
  hold("a", leaseOf("a"), 200ms);
  const auto [compiled, found, slowest] = lookUpAtOnce(6);
  EXPECT_EQ(compiled, 1);
  EXPECT_EQ(found, 5);
  EXPECT_LE(slowest, 2 * compilation + FleetLookup::mostWait);
}

TEST_F(FleetLookupTest, WhatDoesNotCountDelaysNothing) {
  Lease old = Lease::of(keyOf("a"));
  old.issued -= Lease::mostValid + Lease::clocksApart + 100ms;
  Lease endless = Lease::of(keyOf("a"));
  endless.valid = 1h;
  const std::string good = leaseOf("a");
  const std::pair<const char *, std::string> texts[] = {
      {"nothing", ""},
      {"garbage", "mine"},
      {"unsigned", good.substr(0, good.find("signature"))},
      {"unlisted", leaseOf("a", 2)},
      {"of another key", leaseOf("b")},
      {"changed", good + "\n"},
      {"old", old.text(signer(1))},
      {"endless", endless.text(signer(1))}};
  for (const auto &[what, text] : texts) {
    hold("a", text, 10s);
    const int before = requests();
    auto tiers = open(1);
    FleetLookup lookup(*tiers, memory, keyOf("a"));
    for (int i = 0; i < 40; ++i) {
      EXPECT_FALSE(lookup.poll(keys));
      EXPECT_FALSE(lookup.madeElsewhere()) << what;
      std::this_thread::sleep_for(1ms);
    }
    EXPECT_GE(requests() - before, 2) << "the lease was asked for";
  }
}

TEST_F(FleetLookupTest, ALyingServerDelaysNothing) {
  auto tiers = open(1);
  hold("a", leaseOf("a"), 1s);
  servers[0]->mood = Mood::Lies;
  FleetLookup lookup(*tiers, memory, keyOf("a"));
  for (int i = 0; i < 40; ++i) {
    EXPECT_FALSE(lookup.poll(keys));
    EXPECT_FALSE(lookup.madeElsewhere());
    std::this_thread::sleep_for(1ms);
  }
}

// A server may say that a lease lasts for ever, and give one after another.
TEST_F(FleetLookupTest, AllWaitsTogetherAreBounded) {
  auto tiers = open(1);
  hold("a", leaseOf("a"), 1h);
  std::atomic<bool> end = false;
  std::jthread liar([&] {
    while (!end) {
      hold("a", leaseOf("a"), 1h);
      std::this_thread::sleep_for(5ms);
    }
  });
  const Ended ended = lookUp(*tiers, memory, "a");
  end = true;
  EXPECT_TRUE(ended.compiled);
  EXPECT_GE(ended.took, FleetLookup::mostWait);
  EXPECT_LE(ended.took, FleetLookup::mostWait + 2 * compilation + 500ms);
  // And it costs that once.
  hold("b", leaseOf("b"), 1h);
  const Ended next = lookUp(*tiers, memory, "b");
  EXPECT_TRUE(next.compiled);
  EXPECT_LE(next.took, compilation + 300ms);
}

TEST_F(FleetLookupTest, AServerThatFailsMeanwhileIsNotWaitedFor) {
  auto tiers = open(1);
  hold("a", leaseOf("a"), 10s);
  FleetLookup lookup(*tiers, memory, keyOf("a"));
  expectElsewhere(lookup);
  servers[0]->mood = Mood::Fails;
  const Stopwatch watch;
  EXPECT_FALSE(lookup.await());
  EXPECT_LE(watch.elapsed(), 200ms);
  EXPECT_FALSE(lookup.madeElsewhere());
}

TEST_F(FleetLookupTest, AServerThatHangsMeanwhileCostsTheLeaseOnce) {
  auto tiers = open(1);
  hold("a", leaseOf("a"), 300ms);
  FleetLookup lookup(*tiers, memory, keyOf("a"));
  expectElsewhere(lookup);
  servers[0]->mood = Mood::HangsForEver;
  const Stopwatch watch;
  EXPECT_FALSE(lookup.await());
  EXPECT_LE(watch.elapsed(), 400ms);
  EXPECT_FALSE(lookup.madeElsewhere());
  const Ended next = lookUp(*tiers, memory, "b");
  EXPECT_TRUE(next.compiled);
  EXPECT_LE(next.took, compilation + 200ms);
}

TEST_F(FleetLookupTest, WhoCannotSignWaitsAndHoldsNothing) {
  std::filesystem::remove(config.path / "signing_key");
  EXPECT_TRUE(lookUp("a").compiled);
  EXPECT_EQ(heldLease("a"), "");
  hold("b", leaseOf("b"), 10s);
  auto tiers = open(1);
  FleetLookup lookup(*tiers, memory, keyOf("b"));
  expectElsewhere(lookup);
  std::jthread holder([&] {
    std::this_thread::sleep_for(50ms);
    std::lock_guard lock(servers[0]->mutex);
    put(0, entry("b"));
  });
  const auto found = lookup.await();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->entry.object, entry("b").object);
}

TEST_F(FleetLookupTest, WhatMayOnlyBeReadIsOnlyLookedAt) {
  options.readOnly = true;
  EXPECT_TRUE(lookUp("a").compiled);
  EXPECT_EQ(heldLease("a"), "");
}

TEST_F(FleetLookupTest, WhoMayWriteNoMoreHoldsNothing) {
  options.quotaBytes = 1;
  auto tiers = open(1);
  EXPECT_TRUE(lookUp(*tiers, memory, "a").compiled);
  ASSERT_TRUE(drain(*tiers));
  EXPECT_EQ(tiers->stats()[0].counts.overQuota, 1);
  EXPECT_TRUE(lookUp(*tiers, memory, "b").compiled);
  EXPECT_EQ(heldLease("b"), "");
}

// A user who may read a server and not write to it.
TEST_F(FleetLookupTest, AServerThatRefusesLeasesIsReadOnward) {
  auto tiers = open(1);
  servers[0]->mood = Mood::FailsToWrite;
  EXPECT_TRUE(lookUp(*tiers, memory, "a").compiled);
  {
    std::lock_guard lock(servers[0]->mutex);
    put(0, entry("b"));
  }
  EXPECT_TRUE(get(*tiers, "b"));
  EXPECT_EQ(tiers->stats()[0].readsOpenFor, 0ms);
}

TEST_F(FleetLookupTest, WhatWasMadeBeforeTheLeaseWasTakenIsFound) {
  auto tiers = open(1);
  FleetLookup lookup(*tiers, memory, keyOf("a"));
  while (requests() == 0)
    std::this_thread::sleep_for(1ms);
  std::this_thread::sleep_for(20ms); // absent, it was told
  {
    std::lock_guard lock(servers[0]->mutex);
    put(0, entry("a"));
  }
  std::optional<FetchedEntry> found;
  for (int i = 0; i < 1000 && !found; ++i) {
    found = lookup.poll(keys);
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_TRUE(found);
  EXPECT_NE(heldLease("a"), "");
}

TEST_F(FleetLookupTest, LooksThatFollowAreNotCounted) {
  auto tiers = open(1);
  hold("a", leaseOf("a"), 200ms);
  EXPECT_TRUE(lookUp(*tiers, memory, "a").compiled);
  EXPECT_EQ(tiers->stats()[0].counts.misses, 1);
}

class FleetMood : public FleetLookupTest,
                  public testing::WithParamInterface<Mood> {};

/// Beyond its compilation, of one look-up beside the compiler.
TEST_P(FleetMood, NoServerDelaysALaunch) {
  auto tiers = open(1);
  servers[0]->mood = GetParam();
  std::vector<std::chrono::microseconds> own;
  for (int i = 0; i < 50; ++i) {
    std::chrono::nanoseconds spent{};
    Stopwatch watch;
    FleetLookup lookup(*tiers, memory, keyOf(std::to_string(i)));
    spent += watch.elapsed();
    for (int look = 0; look < 5; ++look) { // a compilation of 5 ms
      std::this_thread::sleep_for(1ms);
      const Stopwatch each;
      EXPECT_FALSE(lookup.poll(keys));
      EXPECT_FALSE(lookup.madeElsewhere());
      spent += each.elapsed();
    }
    own.push_back(std::chrono::ceil<std::chrono::microseconds>(spent));
  }
  std::sort(own.begin(), own.end());
  printf("median %ld us, worst %ld us\n", long(own[25].count()),
         long(own.back().count()));
  // As TiersCostTest: beyond it a busy machine is what is measured.
  EXPECT_LE(own[45], 5ms);
}

INSTANTIATE_TEST_SUITE_P(All, FleetMood,
                         testing::Values(Mood::Well, Mood::Fails,
                                         Mood::SlowToDeadline,
                                         Mood::HangsForEver, Mood::Lies));

} // namespace
