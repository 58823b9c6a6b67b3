// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whose code runs: what a signature covers, and each reason for which an entry
// is refused.
#include "test/runtime/store/trust/TestKeys.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace attn_jit::store;
using namespace attn_jit::store::test;

static TrustedKeys listing(const std::string &text) {
  auto keys = TrustedKeys::parse(text, "keys");
  EXPECT_TRUE(keys) << keys.error().text;
  return keys ? *keys : TrustedKeys();
}

static Entry entry() {
  Entry entry;
  entry.object = "image";
  entry.action.key.add("target", "sm_90a");
  entry.action.key.add("description", "head_dim=128");
  entry.action.kind = "ptx";
  entry.action.object = sha256(entry.object);
  entry.action.bytes = int64_t(entry.object.size());
  entry.action.manifest = "{}";
  return entry;
}

static Entry signedBy(unsigned char seed) {
  Entry made = entry();
  signAction(signer(seed), made.action);
  return made;
}

/// The signer's id, or why not.
static std::string verdict(const std::string &keys, const Entry &entry,
                           const Key &wanted = ::entry().action.key) {
  auto verified = verifyEntry(listing(keys), wanted, entry);
  return verified ? *verified : verified.error().text;
}

TEST(VerifyEntry, AListedKeysSignatureIsTaken) {
  EXPECT_EQ(verdict(lineOf(2) + lineOf(1), signedBy(1)), idOf(1));
  Entry both = signedBy(1);
  signAction(signer(2), both.action);
  signAction(signer(2), both.action);
  EXPECT_EQ(both.action.signatures.size(), 2u);
  EXPECT_EQ(verdict(lineOf(2), both), idOf(2));
  EXPECT_EQ(verdict(lineOf(2) + lineOf(1), both), idOf(2));
}

// What is read back from its text is what was signed.
TEST(VerifyEntry, TextsCarrySignatures) {
  auto read = Action::parse(signedBy(1).action.text());
  ASSERT_TRUE(read);
  EXPECT_EQ(verdict(lineOf(1), {*read, "image"}), idOf(1));
}

TEST(VerifyEntry, RefusalsSayWhy) {
  const std::string listed = lineOf(1, "builder");
  EXPECT_EQ(verdict(listed, entry()), "it is unsigned");
  EXPECT_EQ(verdict("", signedBy(1)),
            "it is signed by a key that is not listed: " + idOf(1));
  EXPECT_EQ(verdict(listed, signedBy(2)),
            "it is signed by a key that is not listed: " + idOf(2));
  EXPECT_EQ(
      verdict(listed + "revoked " + idOf(1) + " laptop lost\n", signedBy(1)),
      "it is signed by a revoked key: " + idOf(1) + ", laptop lost");
  EXPECT_EQ(verdict("revoked " + idOf(1) + "\n" + listed, signedBy(1)),
            "it is signed by a revoked key: " + idOf(1));
  Entry changed = signedBy(1);
  changed.action.manifest = "{ }";
  EXPECT_EQ(verdict(listed, changed),
            "the signature of " + idOf(1) + " (builder) on it does not verify");
}

// One of many may be good; else the gravest reason is told.
TEST(VerifyEntry, OneGoodSignatureIsEnough) {
  Entry mixed = signedBy(2);
  mixed.action.signatures.push_back({idOf(1), "AAAA"});
  EXPECT_EQ(verdict(lineOf(1), mixed),
            "the signature of " + idOf(1) + " on it does not verify");
  mixed.action.signatures.push_back(signedBy(1).action.signatures[0]);
  EXPECT_EQ(verdict(lineOf(1), mixed), idOf(1));
  EXPECT_EQ(verdict("revoked " + idOf(1) + "\n" + lineOf(2), mixed), idOf(2));
  EXPECT_EQ(verdict("revoked " + idOf(1) + "\n" + lineOf(3), mixed),
            "it is signed by a revoked key: " + idOf(1));
}

TEST(VerifyEntry, EachBodyByteIsCovered) {
  const Entry good = signedBy(1);
  const TrustedKeys keys = listing(lineOf(1));
  const std::string body = good.action.body();
  for (size_t i = 0; i < body.size(); ++i) {
    std::string flipped = body;
    flipped[i] ^= 1;
    EXPECT_FALSE(keys.verify(Domain::Action, flipped, good.action.signatures));
  }
  EXPECT_TRUE(keys.verify(Domain::Action, body, good.action.signatures));
}

TEST(VerifyEntry, DomainsAreApart) {
  const TrustedKeys keys = listing(lineOf(1));
  constexpr Domain all[] = {Domain::Action, Domain::Record, Domain::Pack,
                            Domain::Job, Domain::Lease};
  for (Domain made : all)
    for (Domain asked : all) {
      const Signature one[] = {signer(1).sign(made, "bytes")};
      EXPECT_EQ(keys.verify(asked, "bytes", one).ok(), made == asked);
    }
}

TEST(VerifyEntry, AnotherKeysEntryIsRefused) {
  const Entry good = signedBy(1);
  auto wanting = [&](std::initializer_list<Key::Field> fields) {
    Key wanted;
    for (const auto &[label, value] : fields)
      wanted.add(label, value);
    return verdict(lineOf(1), good, wanted);
  };
  EXPECT_EQ(wanting({{"target", "sm_80"}, {"description", "head_dim=128"}}),
            "it was made for another key: target is 'sm_90a', wanted is "
            "'sm_80'");
  EXPECT_EQ(wanting({{"target", "sm_90a"},
                     {"description", "head_dim=128"},
                     {"abi", "2"}}),
            "it was made for another key: abi is absent, wanted is '2'");
  EXPECT_EQ(wanting({{"target", "sm_90a"}}),
            "it was made for another key: description is 'head_dim=128', "
            "which was not asked for");
  EXPECT_EQ(wanting({{"description", "head_dim=128"}, {"target", "sm_90a"}}),
            "it was made for another key: the same fields stand in another "
            "order");
}

// Of long values the place where they part is shown.
TEST(VerifyEntry, LongFieldsShowWhereTheyDiffer) {
  Entry made = entry();
  made.action.key.add("schedule", std::string(300, 'a') + "stages=2");
  signAction(signer(1), made.action);
  Key wanted = entry().action.key;
  wanted.add("schedule", std::string(300, 'a') + "stages=3");
  EXPECT_EQ(verdict(lineOf(1), made, wanted),
            "it was made for another key: schedule is '..." +
                std::string(33, 'a') + "stages=2', wanted is '..." +
                std::string(33, 'a') + "stages=3'");
}

TEST(VerifyEntry, ObjectsAreWhatWasSigned) {
  Entry other = signedBy(1);
  other.object = "imagE";
  EXPECT_EQ(verdict(lineOf(1), other),
            "its object has the digest " + sha256("imagE").hex() +
                ", its action says " + sha256("image").hex());
  other.object = "imag";
  EXPECT_EQ(verdict(lineOf(1), other),
            "its object has 4 bytes, its action says 5");
}

TEST(Merged, IsTheSameInAnyOrder) {
  Action one = entry().action, other = one;
  signAction(signer(1), one);
  signAction(signer(2), other);
  EXPECT_EQ(merged(one, other).text(), merged(other, one).text());
  EXPECT_EQ(merged(one, other).signatures.size(), 2u);
  EXPECT_EQ(merged(merged(one, other), one).text(), merged(one, other).text());
  Action apart = one;
  apart.manifest = "{ }";
  EXPECT_EQ(merged(one, apart).text(), merged(apart, one).text());
  std::vector<Action> many;
  for (unsigned char seed = 0; seed < 20; ++seed) {
    many.push_back(entry().action);
    signAction(signer(seed), many.back());
  }
  Action up = many.front(), down = many.back();
  for (const Action &each : many)
    up = merged(up, each), down = merged(each, down);
  std::ranges::reverse(many);
  for (const Action &each : many)
    down = merged(down, each);
  EXPECT_EQ(up.text(), down.text());
  EXPECT_EQ(up.signatures.size(), 16u);
}
