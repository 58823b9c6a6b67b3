// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What workers of a shared search believe of a server's contents.
#include "autotune/JoinText.h"
#include "test/runtime/store/ScratchFolder.h"

#include <cstdlib>
#include <gtest/gtest.h>

using namespace attn_jit;
using namespace attn_jit::tune;
using store::Outcome;

static const ItemName kItem{"0123456789abcdef", 3, "f.v1<x=1>"};

static Measured measured() {
  Measured result;
  result.samplesUs = {41.8, 1.0 / 3, 40.000000000000007};
  result.error = 1.2e-4, result.clockMHz = 1980;
  result.loadSeconds = 0.1, result.timingSeconds = 0.2;
  return result;
}

TEST(JoinText, AResultComesBackToTheLastBit) {
  const Measured given = measured();
  auto back = parseResult(resultText(kItem, "w", given), kItem, 3);
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->samplesUs, given.samplesUs);
  EXPECT_EQ(back->error, given.error);
  EXPECT_EQ(back->loadSeconds, given.loadSeconds);
  EXPECT_EQ(back->timingSeconds, given.timingSeconds);
}

TEST(JoinText, EachFailureHasItsOutcomeAndNoTimes) {
  for (Outcome outcome :
       {Outcome::Illegal, Outcome::CompileFailed, Outcome::LaunchFailed,
        Outcome::Wrong, Outcome::TimedOut, Outcome::Crashed,
        Outcome::Throttled}) {
    Measured given;
    given.outcome = outcome, given.note = "why\n\x1b[0m";
    auto back = parseResult(resultText(kItem, "w", given), kItem, 3);
    ASSERT_TRUE(back) << back.error().text;
    EXPECT_EQ(back->outcome, outcome);
    EXPECT_EQ(back->note, "why??[0m");
  }
}

TEST(JoinText, AResultOfAnotherItemIsRefused) {
  const std::string text = resultText(kItem, "w", measured());
  for (const ItemName &other : {ItemName{"0123456789abcdee", 3, "f.v1<x=1>"},
                                ItemName{"0123456789abcdef", 4, "f.v1<x=1>"},
                                ItemName{"0123456789abcdef", 3, "f.v1<x=2>"}}) {
    auto back = parseResult(text, other, 3);
    ASSERT_FALSE(back);
    EXPECT_EQ(back.error().text, "it is of another item");
  }
}

/// Of a text with one field replaced.
static std::string refusal(const std::string &from, const std::string &to,
                           size_t samples = 3) {
  std::string text = resultText(kItem, "w", measured());
  text.replace(text.find(from), from.size(), to);
  auto back = parseResult(text, kItem, samples);
  return back ? "" : back.error().text;
}

TEST(JoinText, AResultThatIsNoneIsRefused) {
  const std::string times = "us: it has not one positive time a sample",
                    numbers = "numbers: it has one that is no such number";
  EXPECT_EQ(refusal("41.8", "41.9"), "");
  EXPECT_EQ(refusal("\"ok\"", "\"fine\""), "outcome: it has none");
  EXPECT_EQ(refusal("41.8", "-1"), times);
  EXPECT_EQ(refusal("41.8", "1e300"), times);
  EXPECT_EQ(refusal("41.8", "\"fast\""), times);
  EXPECT_EQ(refusal("41.8", "41.8,41.8"), times);
  EXPECT_EQ(refusal("\"ok\"", "\"wrong\""), times);
  EXPECT_EQ(refusal("1980", "-1"), numbers);
  EXPECT_EQ(refusal("\"load_s\":0.1", "\"load_s\":null"), numbers);
  EXPECT_EQ(refusal("\"load_s\":0.1", "\"load_s\":1e999"),
            "it is of another item");
  EXPECT_FALSE(parseResult("", kItem, 3));
  EXPECT_FALSE(parseResult("[]", kItem, 3));
}

TEST(JoinText, AJobThatRecordsCouldNotBeMadeOfIsRefused) {
  const Job job{"digest", "0123456789abcdef", "2026-11-28T03:41:19Z"};
  auto back = Job::parse(job.text());
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->text(), job.text());
  EXPECT_FALSE(Job::parse("{}"));
  EXPECT_FALSE(Job::parse(Job{"d", "short", job.at}.text()));
  EXPECT_FALSE(Job::parse(Job{"d", job.session, "now"}.text()));
  EXPECT_FALSE(
      Job::parse(Job{"d", job.session, "2026-11-28T03:41:1xZ"}.text()));
}

TEST(JoinText, WorkComesBackAsItWasAndNothingElseIsWork) {
  const Work work{"digest", "sm_90a", "13.0", {"f.v1<x=1>", "f.v1<x=2>"}};
  auto back = Work::parse(work.text());
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->text(), work.text());
  EXPECT_EQ(back->schedules, work.schedules);
  EXPECT_FALSE(Work::parse("{}"));
  EXPECT_FALSE(Work::parse("[1"));
  EXPECT_FALSE(
      Work::parse(Job{"d", "0123456789abcdef", "2026-11-28T03:41:19Z"}.text()));
  // What is no text of a schedule is none of its schedules.
  std::string text = work.text();
  text.replace(text.find("\"f.v1<x=1>\""), 11, "[7]");
  back = Work::parse(text);
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->schedules.size(), 1u);
}

namespace {
/// A machine of its own: keys and what it lists.
class Seals : public testing::Test {
protected:
  void SetUp() override {
    setenv("ATTN_JIT_CONFIG", folder.at("config").c_str(), 1);
  }
  void TearDown() override { unsetenv("ATTN_JIT_CONFIG"); }
  /// Made once each.
  std::string keyFile(const std::string &name) {
    const std::string path = folder.at(name);
    if (!store::SigningKey::load(path))
      EXPECT_TRUE(store::SigningKey::generate(path));
    return path;
  }
  void list(const std::string &name) {
    auto key = store::SigningKey::load(keyFile(name));
    ASSERT_TRUE(key);
    ASSERT_TRUE(
        store::trustKey(folder.at("config/trusted_keys"), key->publicKey()));
  }
  static std::string openedBy(const JoinSeal &seal, const std::string &text) {
    auto json = seal.open(text);
    return json ? *json : json.error().text;
  }
  store::test::ScratchFolder folder;
};
} // namespace

TEST_F(Seals, WithoutKeysNothingIsSignedAndASignedSearchIsRefused) {
  auto plain = JoinSeal::make("");
  ASSERT_TRUE(plain) << plain.error().text;
  EXPECT_EQ(plain->seal("{}"), "{}");
  EXPECT_EQ(openedBy(*plain, "{}"), "{}");
  auto signing = JoinSeal::make(keyFile("a"));
  ASSERT_TRUE(signing) << signing.error().text;
  EXPECT_EQ(openedBy(*plain, signing->seal("{}")),
            "it is signed, and no key is given here; allowed: --key FILE");
}

TEST_F(Seals, OnlyAListedKeyOrItsOwnIsBelieved) {
  auto a = JoinSeal::make(keyFile("a")), b = JoinSeal::make(keyFile("b"));
  ASSERT_TRUE(a && b);
  EXPECT_EQ(openedBy(*a, a->seal("{}")), "{}");
  EXPECT_EQ(openedBy(*a, "{}"), "it is unsigned");
  EXPECT_NE(openedBy(*a, b->seal("{}")), "{}");
  EXPECT_NE(openedBy(*a, a->seal("{}") + "x"), "{}");
  EXPECT_NE(openedBy(*a, "{ }" + a->seal("{}").substr(2)), "{}");
  EXPECT_EQ(openedBy(*a, "{}\nnonsense"),
            "what stands behind it is no signature");
  list("b");
  a = JoinSeal::make(keyFile("a"));
  ASSERT_TRUE(a);
  EXPECT_EQ(openedBy(*a, b->seal("{}")), "{}");
}

TEST_F(Seals, AMachineThatListsKeysJoinsWithItsOwnAlone) {
  list("a");
  auto without = JoinSeal::make("");
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().text,
            "key: nothing given, and this machine believes listed keys alone; "
            "allowed: --key FILE");
  EXPECT_FALSE(JoinSeal::make(folder.at("absent")));
  ASSERT_TRUE(store::revokeKey(
      folder.at("config/trusted_keys"),
      store::SigningKey::load(keyFile("b"))->publicKey().id(), "lost"));
  auto revoked = JoinSeal::make(keyFile("b"));
  ASSERT_FALSE(revoked);
  EXPECT_NE(revoked.error().text.find("which is revoked here"),
            std::string::npos);
}
