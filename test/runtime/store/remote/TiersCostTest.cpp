// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Remotes cost nobody time: whatever a server does, the caller's part of a
// look-up and the end of the process stay within their limits.
// remote-redis.test and its like do the same over sockets.
#include "test/runtime/store/remote/FakeServers.h"
#include "test/runtime/store/remote/RunDelay.h"

#include <netdb.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;

/// The system's resolver, which knows one name that it never resolves.
static std::atomic<bool> resolverHangs = false;
extern "C" int getaddrinfo(const char *, const char *, const addrinfo *hints,
                           addrinfo **) {
  while (resolverHangs && !(hints->ai_flags & AI_NUMERICHOST))
    std::this_thread::sleep_for(1h);
  return EAI_NONAME;
}

namespace {

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

class TiersMood : public FakeServers,
                  public testing::WithParamInterface<Mood> {};

TEST_P(TiersMood, CallerNeverWaits) {
  auto tiers = open(2);
  put(0, entry("a"));
  for (auto &server : servers)
    server->mood = GetParam();
  std::vector<std::chrono::microseconds> costs;
  costs.reserve(50);
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
        exitWithin(1s); // the limit and a busy machine, not a hang
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
  costs.reserve(5);
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
  exitWithin(1s);
}

TEST(TiersResolver, NameThatNeverResolvesCostsNobodyTime) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(askWhoNeverResolves(), testing::ExitedWithCode(0), "");
}

} // namespace
