// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which schedule serves, and why. Records are given as they would be found.
#include "autotune/Choice.h"
#include "autotune/Estimate.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

using namespace attn_jit;
using namespace attn_jit::tune;
using store::Outcome;
using store::StoredRecord;
using store::Voice;

static store::Key hopper() {
  store::Key key;
  key.add("name", "H200");
  return key;
}

/// Of a final pass, unless said otherwise.
static StoredRecord timed(const std::string &schedule, double us,
                          Voice voice = Voice::Own,
                          const std::string &session = "a.final") {
  StoredRecord stored;
  stored.voice = voice;
  stored.record.device = hopper();
  stored.record.compiler = "c1", stored.record.driver = "d1";
  stored.record.schedule = schedule;
  stored.record.isDefault = schedule == "default";
  setTime(stored.record, {us, us * 1e-3, 32});
  stored.record.session = session;
  return stored;
}

static StoredRecord failure(const std::string &schedule, Outcome outcome,
                            const std::string &driver = "d1",
                            Voice voice = Voice::Own) {
  StoredRecord stored = timed(schedule, 0, voice);
  stored.record.outcome = outcome;
  stored.record.driver = driver;
  return stored;
}

class ChoiceTest : public testing::Test {
protected:
  Chosen chosen() {
    query.device = hopper();
    query.compiler = "c1", query.driver = "d1";
    query.defaultPick = "default";
    query.exact = exact, query.least = least, query.most = most;
    query.legal = [this](const std::string &text) { return text != illegal; };
    return choose(query);
  }
  std::string text() {
    const Chosen made = chosen();
    return std::string(name(made.source)) + " " + made.schedule;
  }
  ChoiceQuery query;
  std::vector<StoredRecord> exact, least, most;
  std::string illegal;
};

TEST_F(ChoiceTest, IsTheDefaultWhereNothingIsKnown) {
  EXPECT_EQ(text(), "default default");
}

TEST_F(ChoiceTest, GoesInThisOrder) {
  query.modelPick = "m";
  EXPECT_EQ(text(), "model m");
  exact = {timed("default", 100, Voice::Bundled),
           timed("shipped", 90, Voice::Bundled)};
  EXPECT_EQ(text(), "bundled shipped");
  least = {timed("default", 100), timed("b", 90)};
  most = {timed("default", 200), timed("b", 180)};
  EXPECT_EQ(text(), "bucket b");
  exact.push_back(timed("default", 100));
  exact.push_back(timed("e", 95));
  EXPECT_EQ(text(), "exact e");
  query.pin = "p";
  EXPECT_EQ(text(), "pin p");
  query.flag = "f";
  EXPECT_EQ(text(), "flag f");
}

TEST_F(ChoiceTest, DefaultIsExactWhereItWasMeasuredToBeTheBest) {
  exact = {timed("default", 100), timed("a", 99.9), timed("b", 130)};
  EXPECT_EQ(text(), "exact default");
}

TEST_F(ChoiceTest, DependsOnTheSetAlone) {
  for (int i = 0; i < 20; ++i) {
    const std::string session = "s" + std::to_string(i % 4) + ".final";
    exact.push_back(
        timed("x" + std::to_string(i), 80 + i % 3, Voice::Own, session));
    exact.push_back(timed("default", 100 + i % 4, Voice::Own, session));
  }
  const std::string first = text();
  std::mt19937 random(1);
  for (int i = 0; i < 50; ++i) {
    std::shuffle(exact.begin(), exact.end(), random);
    exact.push_back(exact.front()); // twice is once
    EXPECT_EQ(text(), first);
  }
}

TEST_F(ChoiceTest, ComparesWithinAPassOnly) {
  // A slow board's default and a fast board's schedule.
  exact = {timed("default", 100, Voice::Own, "slow.final"),
           timed("a", 80, Voice::Own, "fast.final"),
           timed("default", 79, Voice::Own, "fast.final")};
  EXPECT_EQ(text(), "exact default");
}

TEST_F(ChoiceTest, ASearchIsNoFinalPass) {
  exact = {timed("default", 100, Voice::Own, "a"),
           timed("a", 50, Voice::Own, "a")};
  EXPECT_EQ(text(), "default default");
}

TEST_F(ChoiceTest, OfTwoPassesTheWorseCounts) {
  exact = {timed("default", 100), timed("a", 50),
           timed("default", 100, Voice::Own, "b.final"),
           timed("a", 120, Voice::Own, "b.final"),
           timed("c", 90, Voice::Own, "b.final")};
  EXPECT_EQ(text(), "exact c");
}

TEST_F(ChoiceTest, BucketServesWhatWinsAtBothEnds) {
  least = {timed("default", 100), timed("a", 50), timed("b", 90)};
  most = {timed("default", 200), timed("a", 201), timed("b", 190)};
  EXPECT_EQ(text(), "bucket b");
  // 5 % at the end where it gains least.
  EXPECT_DOUBLE_EQ(chosen().ratio, 0.95);
  most.pop_back();
  EXPECT_EQ(text(), "default default");
}

TEST_F(ChoiceTest, BucketIsForItsOwnDefaultOnly) {
  least = {timed("default", 100), timed("a", 50)};
  most = {timed("other default", 200), timed("a", 100)};
  EXPECT_EQ(text(), "default default");
}

TEST_F(ChoiceTest, FailuresHereTakeOut) {
  for (Outcome outcome : {Outcome::Wrong, Outcome::Crashed, Outcome::TimedOut,
                          Outcome::LaunchFailed, Outcome::CompileFailed}) {
    exact = {timed("default", 100), timed("a", 50), timed("b", 90)};
    exact.push_back(failure("a", outcome));
    EXPECT_EQ(text(), "exact b");
    exact.back() = failure("a", outcome, "another driver");
    EXPECT_EQ(text(), "exact a");
    exact.back() = failure("a", outcome, "d1", Voice::Foreign);
    EXPECT_EQ(text(), "exact a");
  }
  exact.back() = failure("a", Outcome::Throttled);
  EXPECT_EQ(text(), "exact a");
  exact = {failure("b", Outcome::Crashed)};
  least = {timed("default", 100), timed("b", 90)};
  most = {timed("default", 200), timed("b", 180)};
  EXPECT_EQ(text(), "default default");
}

TEST_F(ChoiceTest, OfAnotherDeviceOrCompilerNothingIsServed) {
  exact = {timed("default", 100), timed("a", 50)};
  for (StoredRecord &each : exact)
    each.record.compiler = "c2";
  EXPECT_EQ(text(), "default default");
  // What is shipped was made by another compiler.
  for (StoredRecord &each : exact)
    each.voice = Voice::Bundled;
  EXPECT_EQ(text(), "bundled a");
  for (StoredRecord &each : exact)
    each.record.device = {};
  EXPECT_EQ(text(), "default default");
}

TEST_F(ChoiceTest, VerifierHasTheLastWord) {
  exact = {timed("default", 100, Voice::Bundled),
           timed("a", 50, Voice::Bundled), timed("b", 90, Voice::Bundled)};
  illegal = "a";
  EXPECT_EQ(text(), "bundled b");
  illegal = "m", exact.clear(), query.modelPick = "m";
  EXPECT_EQ(text(), "default default");
}

TEST_F(ChoiceTest, ForeignRecordsAreHintsOnly) {
  exact = {timed("default", 100, Voice::Foreign),
           timed("a", 50, Voice::Foreign),
           timed("b", 70, Voice::Foreign),
           timed("c", 60, Voice::Foreign),
           timed("slow", 120, Voice::Foreign),
           failure("a", Outcome::Crashed, "d9", Voice::Foreign)};
  EXPECT_EQ(text(), "default default");
  // A failure elsewhere stands behind; a failure here is out.
  EXPECT_EQ(hints(query), (std::vector<std::string>{"c", "b", "a"}));
  exact.push_back(failure("c", Outcome::Wrong));
  EXPECT_EQ(text(), "default default");
  EXPECT_EQ(hints(query), (std::vector<std::string>{"b", "a"}));
  illegal = "b";
  (void)chosen();
  EXPECT_EQ(hints(query), (std::vector<std::string>{"a"}));
}

TEST_F(ChoiceTest, OwnRecordsOfAnotherCompilerAreHints) {
  exact = {timed("default", 100), timed("a", 50)};
  for (StoredRecord &each : exact)
    each.record.compiler = "c0";
  (void)chosen();
  EXPECT_EQ(hints(query), (std::vector<std::string>{"a"}));
  exact = {timed("default", 100), timed("a", 50)};
  (void)chosen();
  EXPECT_TRUE(hints(query).empty());
}

TEST_F(ChoiceTest, SaysWhy) {
  exact = {timed("default", 100), timed("a", 90)};
  EXPECT_EQ(chosen().why,
            "measured for these sizes, 10.0 % faster than the default");
}
