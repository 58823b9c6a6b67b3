// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which schedule serves a call beside a remote: what is known, until records of
// its problem have come.
#include "runtime/store/trust/RecordTrust.h"

#include "test/runtime/store/records/TestRecords.h"
#include "test/runtime/store/remote/FakeServers.h"
#include "test/runtime/store/trust/TestKeys.h"
#include "test/tools/ScheduleChoiceSample.h"

using namespace attn_jit;
using namespace attn_jit::test;

namespace {

/// Beside a remote, by a host that lists the key of who writes there.
class ScheduleChoiceRemote : public ScheduleChoiceTest {
protected:
  ScheduleChoiceRemote() {
    store::RemoteOptions options;
    options.url = "fake://cache";
    tiers = std::move(*store::Tiers::open(
        {&options, 1}, "", {}, {},
        [this](const store::RemoteOptions &of)
            -> rt::Result<std::unique_ptr<store::Remote>> {
          return std::unique_ptr<store::Remote>(
              std::make_unique<store::test::FakeRemote>(of.url, server));
        }));
    own =
        std::make_unique<api::RecordExchange>(store::CacheRoot(), tiers.get());
    std::filesystem::permissions(config.path, std::filesystem::perms(0700));
    std::ofstream(config.path / "trusted_keys") << store::test::lineOf(1);
    setenv("ATTN_JIT_CONFIG", config.path.c_str(), 1);
  }
  ~ScheduleChoiceRemote() override {
    server->mood = store::test::Mood::Well;
    unsetenv("ATTN_JIT_CONFIG");
  }
  void offer(std::vector<StoredRecord> records) {
    const std::lock_guard lock(server->mutex);
    for (StoredRecord &each : records) {
      signRecord(store::test::signer(1), each.record);
      server->records[each.record.problemDigest()].insert(each.record.line());
    }
  }
  /// Whether a later call is served from there.
  bool comes(const std::string &wanted) {
    for (int i = 0; i < 2000 && source(call) != wanted; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return source(call) == wanted;
  }

  attn_jit::test::TemporaryFolder config;
  const std::shared_ptr<store::test::Server> server =
      std::make_shared<store::test::Server>();
  std::unique_ptr<store::Tiers> tiers;
};

} // namespace

TEST_F(ScheduleChoiceRemote, WhatComesServesLaterCalls) {
  offer(pass(call, tune::At::Exact, other(call), 90000));
  EXPECT_EQ(source(call), "default");
  EXPECT_TRUE(comes("exact"));
  EXPECT_EQ(chosen(call).schedule, other(call));
}

TEST_F(ScheduleChoiceRemote, ABucketsEndsComeToo) {
  offer(pass(call, tune::At::Least, other(call), 90000));
  offer(pass(call, tune::At::Most, other(call), 95000));
  EXPECT_EQ(source(call), "default");
  EXPECT_TRUE(comes("bucket"));
}

TEST_F(ScheduleChoiceRemote, WhatARevokedKeySignedServesNoLongerWhileItRuns) {
  offer(pass(call, tune::At::Least, other(call), 90000));
  offer(pass(call, tune::At::Most, other(call), 95000));
  EXPECT_EQ(source(call), "default");
  EXPECT_TRUE(comes("bucket"));
  ASSERT_TRUE(store::revokeKey(config.path / "trusted_keys",
                               store::test::signer(1).publicKey().id(),
                               "lost"));
  EXPECT_TRUE(comes("default"));
  api::TypicalCall near = call;
  ++near.kvLen;
  EXPECT_EQ(source(near), "default");
}

TEST_F(ScheduleChoiceRemote, WhatAnotherProcessWasGivenServesAtOnce) {
  const store::test::TestFolder cache;
  api::RecordExchange one(cache.root(), tiers.get()),
      two(cache.root(), tiers.get());
  auto choiceOf = [](api::RecordExchange &exchange) {
    return std::make_unique<ScheduleChoice>(
        hopper(), [&] { return api::RecordSources{&exchange, nullptr}; });
  };
  const auto running = choiceOf(two);
  api::TypicalCall far = call;
  far.queryLen = far.kvLen = 500;
  // Has looked at its store, which is empty.
  EXPECT_EQ(running->choose(what, optionsOf(far), far).source,
            tune::Source::Default);

  offer(pass(call, tune::At::Exact, other(call), 90000));
  choice = choiceOf(one);
  EXPECT_EQ(source(call), "default");
  EXPECT_TRUE(comes("exact"));
  EXPECT_EQ(running->choose(what, optionsOf(call), call).schedule, other(call));
  choice.reset();
}

TEST_F(ScheduleChoiceRemote, OfManyLengthsSomeAreAskedFor) {
  for (int64_t length = 3073; length < 3573; ++length) {
    api::TypicalCall near = call;
    near.queryLen = near.kvLen = length;
    EXPECT_EQ(source(near), "default");
  }
  EXPECT_TRUE(store::test::answered(*tiers));
  EXPECT_EQ(server->asked, 64 + 2 + 1); // and for no problem
}

TEST_F(ScheduleChoiceRemote, NobodyWaitsForOneThatHangs) {
  offer(pass(call, tune::At::Exact, other(call), 90000));
  server->mood = store::test::Mood::HangsForEver;
  std::vector<double> costs; // milliseconds
  for (int64_t batch = 1; batch <= 40; ++batch) {
    api::TypicalCall one = call;
    one.batch = batch;
    const api::CompileOptions options = optionsOf(one);
    const auto start = std::chrono::steady_clock::now();
    const auto made = engine().choose(what, options, one);
    costs.push_back(std::chrono::duration<double, std::milli>(
                        std::chrono::steady_clock::now() - start)
                        .count());
    EXPECT_EQ(made.source, tune::Source::Default);
  }
  std::ranges::sort(costs);
  std::printf("choose beside it: median %.3f ms, worst %.3f ms\n", costs[20],
              costs.back());
  // Whoever waited would do so for seconds, a request's limit; a busy machine
  // takes the thread's turn from some.
  EXPECT_LT(costs[20], 50);
}
