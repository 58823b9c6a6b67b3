// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What names things in a store: digests, and keys of labelled fields.
#include "runtime/store/Key.h"

#include <gtest/gtest.h>

using namespace attn_jit::store;

// FIPS 180-4, the example of one block.
TEST(Digest, IsSha256) {
  EXPECT_EQ(sha256("abc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, IsReadFromItsOwnTextAlone) {
  const Digest digest = sha256("attn");
  EXPECT_EQ(Digest::parse(digest.hex()), digest);
  std::string upper = digest.hex();
  upper[0] = 'A';
  EXPECT_FALSE(Digest::parse(upper));
  EXPECT_FALSE(Digest::parse(digest.hex().substr(1)));
  EXPECT_FALSE(Digest::parse(""));
}

static Key keyOf(std::initializer_list<Key::Field> fields) {
  Key key;
  for (const auto &[label, value] : fields)
    key.add(label, value);
  return key;
}

TEST(Key, TextIsCompleteAndPrintable) {
  EXPECT_EQ(keyOf({{"target", "sm_90a"}, {"mask", "a\n\"b\"\xc3\xa9"}}).text(),
            "target \"sm_90a\"\nmask \"a\\n\\\"b\\\"\\u00e9\"\n");
}

TEST(Key, DigestTellsFieldsApart) {
  const Key key = keyOf({{"a", "bc"}, {"d", ""}});
  EXPECT_EQ(key.digest(), keyOf({{"a", "bc"}, {"d", ""}}).digest());
  EXPECT_NE(key.digest(), keyOf({{"a", "b"}, {"d", "c"}}).digest());
  EXPECT_NE(key.digest(), keyOf({{"a", "bc"}}).digest());
  EXPECT_NE(key.digest(), keyOf({{"d", ""}, {"a", "bc"}}).digest());
}

TEST(Key, DifferenceNamesEachField) {
  const Key wanted = keyOf({{"target", "sm_90a"}, {"dtype", "f16"}});
  const Key there = keyOf({{"target", "sm_80"}, {"layout", "bshd"}});
  const auto found = difference(wanted, there);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].label, "target");
  EXPECT_EQ(found[0].wanted, "sm_90a");
  EXPECT_EQ(found[0].there, "sm_80");
  EXPECT_EQ(found[1].label, "dtype");
  EXPECT_FALSE(found[1].there);
  EXPECT_EQ(found[2].label, "layout");
  EXPECT_FALSE(found[2].wanted);
  EXPECT_TRUE(difference(wanted, wanted).empty());
}
