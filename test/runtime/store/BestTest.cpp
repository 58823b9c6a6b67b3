// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which record is best: each rule of RecordStore.h, and that a set has no
// order.
#include "test/runtime/store/TestRecords.h"

#include <algorithm>
#include <random>

using namespace attn_jit::store;
using namespace attn_jit::store::test;

using Set = std::vector<StoredRecord>;

static const BestQuery strict{h200(), measured(1, 1).compiler, false,
                              measured(1, 1).driver};
static const BestQuery hinted{h200(), measured(1, 1).compiler, true,
                              measured(1, 1).driver};

static StoredRecord own(Record record) {
  return {std::move(record), Voice::Own, {}};
}
static StoredRecord bundled(Record record) {
  return {std::move(record), Voice::Bundled, {}};
}
static StoredRecord foreign(Record record) {
  return {std::move(record), Voice::Foreign, "redis://cache:6379/0"};
}
static Record ofCompiler(Record record, const char *compiler) {
  record.compiler = compiler;
  return record;
}

/// The schedules' numbers in their order.
static std::vector<int> orderOf(const Set &set, const BestQuery &query) {
  std::vector<int> numbers;
  for (const StoredRecord *stored : ranked(set, query)) {
    const std::string &text = stored->record.schedule;
    numbers.push_back(std::stoi(text.substr(text.find("number=") + 7)));
  }
  EXPECT_EQ(best(set, query) ? numbers.size() > 0 : numbers.empty(), true);
  return numbers;
}

using Order = std::vector<int>;

TEST(Best, IsTheLeastMedian) {
  EXPECT_EQ(orderOf({own(measured(1, 3)), own(measured(1, 1)),
                     bundled(measured(1, 2))},
                    strict),
            (Order{1, 2, 3}));
  EXPECT_EQ(best({}, strict), nullptr);
}

TEST(Best, OfOneScheduleItsLeastMedianStands) {
  Record again = measured(1, 1);
  again.session = "ff";
  again.medianNs = 1000;
  const Set set{own(measured(1, 1)), own(again)};
  EXPECT_EQ(orderOf(set, strict), (Order{1}));
  EXPECT_EQ(best(set, strict)->record.medianNs, 1000);
}

TEST(Best, TiesGoToTheSmallerIdentity) {
  Record a = measured(1, 1), b = measured(1, 2);
  b.medianNs = a.medianNs;
  const Digest least = std::min(a.identity(), b.identity());
  EXPECT_EQ(best(Set{own(a), own(b)}, strict)->record.identity(), least);
  EXPECT_EQ(best(Set{own(b), own(a)}, strict)->record.identity(), least);
}

TEST(Best, IsOfThatDeviceAndCompiler) {
  Record elsewhere = measured(1, 1);
  elsewhere.device = keyOf({{"name", "NVIDIA H100"}});
  const Set set{own(elsewhere), own(ofCompiler(measured(1, 2), "other")),
                own(measured(1, 3))};
  EXPECT_EQ(orderOf(set, strict), (Order{3}));
}

TEST(Best, HintsCountOnlyWhenAskedForAndBehind) {
  const Set set{foreign(measured(1, 1)),
                bundled(ofCompiler(measured(1, 2), "other")),
                own(ofCompiler(measured(1, 3), "other")), own(measured(1, 4)),
                foreign(ofCompiler(measured(1, 0), "other"))};
  EXPECT_EQ(orderOf(set, strict), (Order{4}));
  EXPECT_EQ(orderOf(set, hinted), (Order{4, 3, 2, 0, 1}));
}

TEST(Best, OwnFailuresTakeAScheduleOut) {
  for (Outcome outcome :
       {Outcome::Illegal, Outcome::CompileFailed, Outcome::LaunchFailed,
        Outcome::Wrong, Outcome::TimedOut, Outcome::Crashed})
    for (auto *voice : {own, bundled}) {
      const Set set{own(measured(1, 1)), own(measured(1, 2)),
                    foreign(measured(1, 1)), voice(failed(1, 1, outcome))};
      EXPECT_EQ(orderOf(set, strict), (Order{2})) << name(outcome);
      EXPECT_EQ(orderOf(set, hinted), (Order{2})) << name(outcome);
    }
}

TEST(Best, FailuresAreScopedToCompilerDriverAndDevice) {
  Record driver = failed(1, 1, Outcome::Crashed), device = driver;
  driver.driver = "cuda 570";
  device.device = keyOf({{"name", "NVIDIA H100"}});
  const Set set{own(measured(1, 1)), own(driver), own(device),
                own(ofCompiler(failed(1, 1, Outcome::Wrong), "other"))};
  EXPECT_EQ(orderOf(set, strict), (Order{1}));
  BestQuery anyDriver = strict;
  anyDriver.driver.clear();
  EXPECT_EQ(orderOf(set, anyDriver), (Order{}));
}

TEST(Best, ForeignFailuresOnlyLowerARank) {
  Set set{own(measured(1, 1)), own(measured(1, 2)),
          foreign(failed(1, 1, Outcome::Wrong))};
  EXPECT_EQ(orderOf(set, strict), (Order{2, 1}));
  set.push_back(foreign(failed(1, 2, Outcome::Crashed)));
  EXPECT_EQ(orderOf(set, strict), (Order{1, 2}));
  // A hint stays behind what was measured here.
  set.push_back(foreign(measured(1, 0)));
  EXPECT_EQ(orderOf(set, hinted), (Order{1, 2, 0}));
}

TEST(Best, ThrottledNeverCounts) {
  const Set set{own(measured(1, 2)), own(failed(1, 1, Outcome::Throttled)),
                own(failed(1, 2, Outcome::Throttled))};
  EXPECT_EQ(orderOf(set, strict), (Order{2}));
}

TEST(Best, RetractionsCountByTheirVoice) {
  struct Case {
    StoredRecord (*of)(Record), (*by)(Record);
    bool counts;
  };
  for (const auto &[of, by, counts] : {Case{own, own, true},
                                       {own, bundled, true},
                                       {own, foreign, false},
                                       {bundled, own, true},
                                       {bundled, bundled, true},
                                       {bundled, foreign, false},
                                       {foreign, own, true},
                                       {foreign, bundled, true},
                                       {foreign, foreign, true}}) {
    Set set{of(measured(1, 1)), by(retraction(measured(1, 1)))};
    EXPECT_EQ(orderOf(set, hinted), counts ? Order{} : Order{1});
    takeOutRetracted(set);
    EXPECT_EQ(set.size(), counts ? 0u : 1u);
  }
}

// A failure that was retracted speaks no longer.
TEST(Best, RetractedFailuresAreForgotten) {
  const Record failure = failed(1, 1, Outcome::Crashed);
  Set set{own(measured(1, 1)), own(failure)};
  EXPECT_EQ(orderOf(set, strict), (Order{}));
  set.push_back(own(retraction(failure)));
  EXPECT_EQ(orderOf(set, strict), (Order{1}));
  // A retraction is final.
  set.push_back(own(retraction(set.back().record)));
  EXPECT_EQ(orderOf(set, strict), (Order{1}));
}

TEST(Best, RetractionsNameTheProblem) {
  Record elsewhere = retraction(measured(1, 1));
  elsewhere.problem = problemKey(2);
  EXPECT_EQ(orderOf({own(measured(1, 1)), own(elsewhere)}, strict), (Order{1}));
}

// Ties, failures, retractions and all voices at once: 300 orders, one answer.
TEST(Best, IsTheSameForAnyOrder) {
  std::mt19937 random(7);
  Set set;
  for (int i = 0; i < 120; ++i) {
    Record record = i % 7 == 0   ? failed(1, i % 60, Outcome::Wrong)
                    : i % 5 == 0 ? retraction(set[random() % set.size()].record)
                                 : measured(1, i % 60);
    record.session = std::to_string(i);
    record.medianNs = record.medianNs ? 100 + i % 4 : 0;
    if (i % 11 == 0)
      record.compiler = "other";
    set.push_back({record, Voice(random() % 3), {}});
  }
  auto identities = [](const Set &of, const BestQuery &query) {
    std::vector<Digest> order;
    for (const StoredRecord *stored : ranked(of, query))
      order.push_back(stored->record.identity());
    return order;
  };
  const auto asked = identities(set, strict), all = identities(set, hinted);
  ASSERT_GT(asked.size(), 3u);
  ASSERT_GT(all.size(), asked.size());
  for (int i = 0; i < 300; ++i) {
    std::ranges::shuffle(set, random);
    ASSERT_EQ(identities(set, strict), asked);
    ASSERT_EQ(identities(set, hinted), all);
  }
}
