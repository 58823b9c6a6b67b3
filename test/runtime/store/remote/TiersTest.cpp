// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Remotes cost nobody time: whatever a server does, the caller's part of a
// look-up and the end of the process stay within their limits; and what is
// offered, found, refused and refilled is counted. Servers are in this process,
// so that each fault is exact; remote-redis.test does the same over sockets.
#include "runtime/store/remote/Tiers.h"

#include "test/runtime/store/remote/RunDelay.h"
#include "test/runtime/tensor/TemporaryFolder.h"

#include <condition_variable>
#include <gtest/gtest.h>
#include <map>
#include <netdb.h>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
using attn_jit::store::test::Stopwatch;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// The system's resolver, which knows one name that it never resolves.
static std::atomic<bool> resolverHangs = false;
extern "C" int getaddrinfo(const char *name, const char *,
                           const addrinfo *hints, addrinfo **) {
  while (resolverHangs && !(hints->ai_flags & AI_NUMERICHOST))
    std::this_thread::sleep_for(1h);
  return EAI_NONAME;
}

namespace {

enum class Mood {
  Well,
  Fails,
  FailsToWrite,
  SlowToDeadline,
  HangsForEver,
  Lies
};

/// What all connections to one server share.
struct Server {
  std::mutex mutex;
  std::map<std::pair<Space, Digest>, std::string> bytes;
  std::map<Digest, std::set<std::string>> records;
  std::vector<std::string> log; ///< writes, in order
  std::string epoch = "first";
  int requests = 0;
  bool refusesRecords = false;
  std::atomic<Mood> mood = Mood::Well;
};

class FakeRemote final : public Remote {
public:
  FakeRemote(std::string name, std::shared_ptr<Server> server)
      : shown(std::move(name)), server(std::move(server)) {}
  const std::string &url() const override { return shown; }

  rt::Result<std::optional<std::string>> get(Space space, const Digest &name,
                                             Deadline deadline) override {
    ATTN_CHECK(meet(deadline, false));
    std::lock_guard lock(server->mutex);
    auto found = server->bytes.find({space, name});
    if (found == server->bytes.end())
      return std::optional<std::string>();
    return std::optional(server->mood == Mood::Lies ? found->second + "?"
                                                    : found->second);
  }
  rt::Result<bool> exists(Space space, const Digest &name,
                          Deadline deadline) override {
    ATTN_CHECK(meet(deadline, false));
    std::lock_guard lock(server->mutex);
    return server->bytes.contains({space, name});
  }
  rt::Status put(Space space, const Digest &name, std::string_view bytes,
                 Deadline deadline) override {
    ATTN_CHECK(meet(deadline, true));
    std::lock_guard lock(server->mutex);
    server->bytes[{space, name}] = bytes;
    server->log.emplace_back(store::name(space));
    return rt::success();
  }
  rt::Status addRecords(const Digest &problem,
                        std::span<const std::string> lines,
                        Deadline deadline) override {
    ATTN_CHECK(meet(deadline, true));
    std::lock_guard lock(server->mutex);
    if (server->refusesRecords) {
      refusal = "it lists nothing";
      return rt::unsupported("remote " + shown + ": " + refusal);
    }
    server->records[problem].insert(lines.begin(), lines.end());
    return rt::success();
  }
  rt::Result<std::vector<std::string>> records(const Digest &problem,
                                               Deadline deadline) override {
    ATTN_CHECK(meet(deadline, false));
    std::lock_guard lock(server->mutex);
    const auto &found = server->records[problem];
    return std::vector<std::string>(found.begin(), found.end());
  }
  rt::Result<std::vector<Digest>> problems(Deadline deadline) override {
    ATTN_CHECK(meet(deadline, false));
    return std::vector<Digest>();
  }
  rt::Result<std::string> epoch(Deadline deadline) override {
    ATTN_CHECK(meet(deadline, false));
    std::lock_guard lock(server->mutex);
    return server->epoch;
  }

private:
  rt::Status meet(Deadline deadline, bool writes) {
    {
      std::lock_guard lock(server->mutex);
      ++server->requests;
    }
    const Mood mood = server->mood;
    if (mood == Mood::Fails || (mood == Mood::FailsToWrite && writes))
      return rt::failed("remote " + shown + ": broken");
    if (mood == Mood::SlowToDeadline) {
      std::this_thread::sleep_until(deadline);
      return rt::Error{
          rt::ErrorCode::Timeout, "remote " + shown + ": slow", {}};
    }
    while (server->mood == Mood::HangsForEver)
      std::this_thread::sleep_for(10ms);
    return rt::success();
  }
  std::string recordsRefused() const override { return refusal; }

  std::string shown, refusal;
  std::shared_ptr<Server> server;
};

Entry entry(const std::string &name, bool isSigned = false) {
  Entry made;
  made.object = "object of " + name;
  made.action.key.add("name", name);
  made.action.kind = "ptx";
  made.action.object = sha256(made.object);
  made.action.bytes = int64_t(made.object.size());
  made.action.manifest = "{}";
  if (isSigned)
    made.action.signatures.push_back({"0123456789abcdef", "c2ln"});
  return made;
}
Digest keyOf(const std::string &name) {
  return entry(name).action.key.digest();
}

class TiersTest : public testing::Test {
protected:
  std::unique_ptr<Tiers> open(size_t remotes, TierLimits limits = {},
                              Refill refill = {}) {
    while (servers.size() < remotes)
      servers.push_back(std::make_shared<Server>());
    std::vector<RemoteOptions> list(remotes, options);
    for (size_t i = 0; i < remotes; ++i)
      list[i].url = "fake://" + std::to_string(i);
    auto tiers = Tiers::open(
        list, root.path.string(), std::move(refill), limits,
        [this](const RemoteOptions &of) -> rt::Result<std::unique_ptr<Remote>> {
          return std::unique_ptr<Remote>(std::make_unique<FakeRemote>(
              of.url, servers[size_t(of.url.back() - '0')]));
        });
    EXPECT_TRUE(tiers.ok());
    return std::move(*tiers);
  }
  void TearDown() override {
    for (auto &server : servers)
      server->mood = Mood::Well; // threads that hang may end
  }
  void put(size_t server, const Entry &made) {
    servers[server]->bytes[{Space::Actions, made.action.key.digest()}] =
        made.action.text();
    servers[server]->bytes[{Space::Objects, made.action.object}] = made.object;
  }
  static std::optional<FetchedEntry> get(Tiers &tiers,
                                         const std::string &name) {
    auto fetch = tiers.fetch(keyOf(name));
    auto found = fetch.wait(Clock::now() + 10s);
    EXPECT_TRUE(fetch.done());
    return found;
  }
  static bool drain(Tiers &tiers) { return tiers.drain(Clock::now() + 10s); }

  attn_jit::test::TemporaryFolder root;
  RemoteOptions options;
  std::vector<std::shared_ptr<Server>> servers;
};

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
  EXPECT_GT(stats[1].p99.count(), 0);
  EXPECT_GE(stats[1].p99, stats[1].p50);
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
  auto tiers = open(3);
  servers[0]->records[keyOf("p")] = {"one"};
  servers[1]->mood = Mood::Fails;
  servers[2]->records[keyOf("p")] = {"one", "two"};
  auto fetch = tiers->fetchRecords(keyOf("p"));
  std::map<std::string, size_t> found;
  for (const FetchedRecords &each : fetch.wait(Clock::now() + 10s))
    found[each.origin] = each.lines.size();
  EXPECT_EQ(found,
            (std::map<std::string, size_t>{{"fake://0", 1}, {"fake://2", 2}}));
}

/// Taken into a static by exitWithin(), so that it ends among exit handlers.
std::unique_ptr<Tiers> endsLast;

/// The caller's own part of a look-up beside a compilation.
std::chrono::microseconds costOf(Tiers &tiers, const std::string &name) {
  const Digest key = keyOf(name);
  const Stopwatch before;
  auto fetch = tiers.fetch(key);
  auto own = before.elapsed();
  std::this_thread::sleep_for(5ms); // compiles
  const Stopwatch after;
  if (!fetch.done())
    fetch = {};
  own += after.elapsed();
  return std::chrono::ceil<std::chrono::microseconds>(own);
}

class TiersMood : public TiersTest, public testing::WithParamInterface<Mood> {};

TEST_P(TiersMood, CallerNeverWaits) {
  auto tiers = open(2);
  put(0, entry("a"));
  for (auto &server : servers)
    server->mood = GetParam();
  std::vector<std::chrono::microseconds> costs;
  for (int i = 0; i < 50; ++i)
    costs.push_back(costOf(*tiers, "a"));
  std::sort(costs.begin(), costs.end());
  printf("median %ld us, worst %ld us\n", long(costs[25].count()),
         long(costs.back().count()));
  // A thread of the other side may lose its processor while it holds the
  // queue's lock: beyond the ninth decile a busy machine is what is measured.
  EXPECT_LE(costs[45], 5ms);
}

/// Ends the process; its exit code says whether that took no longer.
[[noreturn]] void exitWithin(std::chrono::milliseconds limit) {
  static Clock::time_point latest;
  latest = Clock::now() + limit;
  // Of exit handlers the first one runs last.
  static struct Last {
    ~Last() { _exit(Clock::now() <= latest ? 0 : 1); }
  } last;
  static std::unique_ptr<Tiers> ends = std::move(endsLast);
  std::exit(2);
}

TEST_P(TiersMood, EndOfTheProcessIsBounded) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        TierLimits limits;
        limits.exit = 200ms;
        endsLast = open(1, limits);
        servers[0]->mood = GetParam();
        auto fetch = endsLast->fetch(keyOf("a"));
        for (int i = 0; i < 20; ++i)
          endsLast->offer(entry(std::to_string(i)));
        exitWithin(200ms + 100ms);
      },
      testing::ExitedWithCode(0), "");
}

std::string moodName(const testing::TestParamInfo<Mood> &info) {
  const char *const names[] = {"Well",           "Fails",        "FailsToWrite",
                               "SlowToDeadline", "HangsForEver", "Lies"};
  return names[size_t(info.param)];
}

INSTANTIATE_TEST_SUITE_P(All, TiersMood,
                         testing::Values(Mood::Well, Mood::Fails,
                                         Mood::SlowToDeadline,
                                         Mood::HangsForEver, Mood::Lies),
                         moodName);

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

/// With a name that never resolves; the exit code says what went wrong.
[[noreturn]] void askWhoNeverResolves() {
  resolverHangs = true;
  RemoteOptions options;
  options.url = "redis://u:s3cret@never.resolves:6379/1";
  TierLimits limits;
  limits.exit = 300ms;
  auto tiers = Tiers::open({&options, 1}, "", {}, limits);
  if (!tiers)
    _exit(3);
  std::vector<std::chrono::microseconds> costs;
  for (int i = 0; i < 5; ++i)
    costs.push_back(costOf(**tiers, "a"));
  std::sort(costs.begin(), costs.end());
  if (costs[2] > 5ms)
    _exit(4);
  (*tiers)->offer(entry("a"));
  auto fetch = (*tiers)->fetch(keyOf("b"));
  if (fetch.wait(Clock::now() + 2s) || !fetch.done())
    _exit(5);
  const RemoteStats stats = (*tiers)->stats()[0];
  if (stats.counts.timeouts < 1 || stats.readsOpenFor <= 0ms)
    _exit(6);
  if (stats.lastError != "remote redis://never.resolves:6379/1: its name was "
                         "not resolved in time")
    _exit(7);
  endsLast = std::move(*tiers);
  exitWithin(300ms + 100ms);
}

TEST(TiersResolver, NameThatNeverResolvesCostsNobodyTime) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(askWhoNeverResolves(), testing::ExitedWithCode(0), "");
}

TEST_F(TiersTest, OffersAreWrittenTheObjectFirst) {
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

TEST_F(TiersTest, OffersAreWrittenBeforeTheEnd) {
  TierLimits limits;
  limits.exit = 20s;
  auto tiers = open(1, limits);
  for (int i = 0; i < 50; ++i)
    tiers->offer(entry(std::to_string(i)));
  tiers.reset();
  EXPECT_EQ(servers[0]->bytes.size(), 100u);
}

TEST_F(TiersTest, UnsignedActionReplacesNoOther) {
  auto tiers = open(1);
  put(0, entry("a", true));
  tiers->offer(entry("a"));
  tiers->offer(entry("b"));
  tiers->offer(entry("b", true));
  ASSERT_TRUE(drain(*tiers));
  EXPECT_EQ(get(*tiers, "a")->entry.action.signatures.size(), 1u);
  EXPECT_EQ(get(*tiers, "b")->entry.action.signatures.size(), 1u);
}

TEST_F(TiersTest, ReadOnlyRemoteIsNeverWritten) {
  options.readOnly = true;
  auto tiers = open(1);
  tiers->offer(entry("a"));
  tiers->offerRecords(keyOf("p"), {"one"});
  EXPECT_FALSE(get(*tiers, "a"));
  ASSERT_TRUE(drain(*tiers));
  EXPECT_EQ(servers[0]->requests, 1);
  EXPECT_TRUE(servers[0]->bytes.empty());
}

TEST_F(TiersTest, FullQueueDropsAndCounts) {
  TierLimits limits;
  limits.queuedWrites = 4;
  limits.exit = 10ms;
  auto tiers = open(1, limits);
  servers[0]->mood = Mood::HangsForEver;
  const auto started = Clock::now();
  for (int i = 0; i < 20; ++i)
    tiers->offer(entry(std::to_string(i)));
  EXPECT_LE(Clock::now() - started, 100ms);
  // One runs, four wait.
  EXPECT_GE(tiers->stats()[0].counts.dropped, 15);
  EXPECT_LE(tiers->stats()[0].queued, 4u);
}

TEST_F(TiersTest, QueueIsBoundedInBytesToo) {
  TierLimits limits;
  limits.queuedBytes = 100;
  auto tiers = open(1, limits);
  Entry large = entry("a");
  large.object.assign(1000, 'x');
  tiers->offer(large);
  EXPECT_EQ(tiers->stats()[0].counts.dropped, 1);
}

TEST_F(TiersTest, BeyondItsQuotaNothingIsWritten) {
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
  EXPECT_TRUE(tiers->fetchRecords(keyOf("p")).wait(Clock::now() + 10s).empty());
  ASSERT_TRUE(drain(*tiers));
  EXPECT_EQ(servers[0]->requests, asked);
  tiers->offer(entry("a"));
  ASSERT_TRUE(drain(*tiers));
  EXPECT_TRUE(get(*tiers, "a"));
}

TEST_F(TiersTest, ServerThatCannotBeWrittenIsStillRead) {
  auto tiers = open(1);
  put(0, entry("a"));
  servers[0]->mood = Mood::FailsToWrite;
  tiers->offer(entry("b"));
  ASSERT_TRUE(drain(*tiers));
  EXPECT_GT(tiers->stats()[0].writesOpenFor, 0ms);
  EXPECT_TRUE(get(*tiers, "a"));
}

TEST_F(TiersTest, EmptiedServerIsFilledAgain) {
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

TEST_F(TiersTest, RefillThatFailsIsDoneAnotherTime) {
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

TEST(TiersOpen, ErrorIsTheRemotes) {
  RemoteOptions options;
  options.url = "redis://u:s3cret@cache/x";
  const auto tiers = Tiers::open({&options, 1}, "");
  ASSERT_FALSE(tiers.ok());
  EXPECT_EQ(tiers.error().text.find("s3cret"), std::string::npos);
}

} // namespace
