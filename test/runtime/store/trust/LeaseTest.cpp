// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which statements of "I compile this" count: signed by a listed key, of this
// key, of this moment.
#include "runtime/store/trust/Lease.h"
#include "test/runtime/store/trust/TestKeys.h"

#include <gtest/gtest.h>

using namespace attn_jit::store;
using namespace attn_jit::store::test;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

const Digest wanted = sha256("key");

TrustedKeys listing(const std::string &text) {
  return std::move(*TrustedKeys::parse(text, "keys"));
}

/// Empty: it counts.
std::string verdict(const std::string &text, milliseconds now = Lease::clock(),
                    const std::string &keys = lineOf(1)) {
  const auto lease = Lease::open(text, wanted, listing(keys), now);
  return lease ? "" : lease.error().text;
}

TEST(Lease, ComesBackAsItWasWritten) {
  const Lease given = Lease::of(wanted);
  const auto back =
      Lease::open(given.text(signer(1)), wanted, listing(lineOf(1)));
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->key, wanted);
  EXPECT_EQ(back->holder, given.holder);
  EXPECT_EQ(back->issued, given.issued);
  EXPECT_EQ(back->valid, Lease::mostValid);
}

// Hosts may share a signing key.
TEST(Lease, IsItsHoldersAlone) {
  Lease one = Lease::of(wanted), other = Lease::of(wanted);
  other.issued = one.issued;
  EXPECT_NE(one.text(signer(1)), other.text(signer(1)));
}

TEST(Lease, OnlyAListedKeysCounts) {
  const std::string text = Lease::of(wanted).text(signer(1));
  EXPECT_EQ(verdict(text), "");
  EXPECT_EQ(verdict(text, Lease::clock(), lineOf(2)),
            "it is signed by a key that is not listed: " + idOf(1));
  EXPECT_EQ(verdict(text, Lease::clock(),
                    "revoked " + idOf(1) + " lost\n" + lineOf(1)),
            "it is signed by a revoked key: " + idOf(1) + ", lost");
  EXPECT_EQ(verdict(text.substr(0, text.find("signature"))), "it is unsigned");
}

TEST(Lease, OfAnotherKeyDoesNotCount) {
  EXPECT_EQ(verdict(Lease::of(sha256("another")).text(signer(1))),
            "it is of another key");
}

TEST(Lease, OnlyOneOfThisMomentCounts) {
  const std::string old = "it is not of this moment";
  Lease lease = Lease::of(wanted);
  const std::string text = lease.text(signer(1));
  const milliseconds most = Lease::mostValid + Lease::clocksApart;
  EXPECT_EQ(verdict(text, lease.issued + most), "");
  EXPECT_EQ(verdict(text, lease.issued + most + 1ms), old);
  EXPECT_EQ(verdict(text, lease.issued - Lease::clocksApart), "");
  EXPECT_EQ(verdict(text, lease.issued - Lease::clocksApart - 1ms), old);
  // A listed key may not hold up others for as long as it likes.
  for (const milliseconds valid :
       {0ms, -1ms, Lease::mostValid + 1ms, milliseconds(INT64_MAX),
        milliseconds(INT64_MIN)}) {
    lease.valid = valid;
    EXPECT_EQ(verdict(lease.text(signer(1))), old) << valid.count();
  }
  lease.valid = 1ms;
  for (const milliseconds issued :
       {milliseconds(INT64_MAX), -1ms, milliseconds(INT64_MIN)}) {
    lease.issued = issued;
    EXPECT_EQ(verdict(lease.text(signer(1))), old) << issued.count();
  }
}

TEST(Lease, EachByteIsCovered) {
  const std::string text = Lease::of(wanted).text(signer(1));
  for (size_t i = 0; i < text.size(); ++i)
    for (const char flip : {1, 32}) {
      std::string other = text;
      other[i] ^= flip;
      EXPECT_NE(verdict(other), "") << i << ": " << other;
    }
}

TEST(Lease, AnotherTextIsRefused) {
  const std::string text = Lease::of(wanted).text(signer(1));
  const std::string none = "it is no lease of the format attn-jit.lease.v1",
                    behind = "what stands behind it is no signature";
  EXPECT_EQ(verdict(""), none);
  EXPECT_EQ(verdict("attn-jit.lease.v1\n"), none);
  EXPECT_EQ(verdict(text.substr(1)), none);
  EXPECT_EQ(verdict("\n" + text), none);
  std::string other = text;
  EXPECT_EQ(verdict(other.insert(other.find("issued ") + 7, "+")), none);
  other = text;
  EXPECT_EQ(verdict(other.insert(other.find("issued ") + 7, "0")), none);
  other = text;
  EXPECT_EQ(verdict(other.insert(other.find("valid ") + 6, "x")), none);
  EXPECT_EQ(verdict(text + "x"), behind);
  EXPECT_EQ(verdict(text + text), behind);
  EXPECT_EQ(verdict(text.substr(0, text.size() - 1)), behind);
  other = text;
  other.erase(other.rfind(' '), 1);
  EXPECT_NE(verdict(other).find("is not listed"), std::string::npos);
  // A signature of another kind of statement.
  const std::string body = text.substr(0, text.find("signature"));
  const Signature of = signer(1).sign(Domain::Job, body);
  EXPECT_EQ(
      verdict(body + "signature ed25519 " + of.keyId + " " + of.base64 + "\n"),
      "the signature of " + idOf(1) + " on it does not verify");
}

} // namespace
