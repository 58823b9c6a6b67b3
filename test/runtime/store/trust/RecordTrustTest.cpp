// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whose word a record is, by the key file as it is when it is used.
#include "runtime/store/trust/RecordTrust.h"

#include "test/runtime/store/records/TestRecords.h"
#include "test/runtime/store/trust/TestKeys.h"

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {

Record signedBy(unsigned char seed) {
  Record record = measured(1, 1);
  signRecord(signer(seed), record);
  return record;
}

class RecordTrustTest : public testing::Test {
protected:
  void list(const std::string &lines) {
    setContent(config.path + "/trusted_keys", lines);
    ASSERT_EQ(setenv("ATTN_JIT_CONFIG", config.path.c_str(), 1), 0);
  }
  ~RecordTrustTest() override { unsetenv("ATTN_JIT_CONFIG"); }
  static Voice believed(StoredRecord given, bool matters = true) {
    std::vector<StoredRecord> records{std::move(given)};
    believeSigned(records, [&](const Record &) { return matters; });
    return records[0].voice;
  }
  TestFolder config;
};

TEST_F(RecordTrustTest, ASignatureIsNoPartOfTheIdentity) {
  EXPECT_EQ(signedBy(1).identity(), measured(1, 1).identity());
  // A record carries one, and signing gives the same text each time.
  Record twice = signedBy(1);
  signRecord(signer(2), twice);
  EXPECT_EQ(twice.line(), signedBy(2).line());
}

TEST_F(RecordTrustTest, TheKeyFileDecidesAtEachUse) {
  list(lineOf(1));
  for (Voice before : {Voice::Own, Voice::Foreign}) {
    EXPECT_EQ(believed({signedBy(1), before, "a:"}), Voice::Own);
    EXPECT_EQ(believed({signedBy(2), before, "a:"}), Voice::Foreign);
    EXPECT_EQ(believed({measured(1, 1), before, "a:"}), Voice::Foreign);
    EXPECT_EQ(believed({signedBy(1), before, "a:"}, false), Voice::Foreign);
  }
  list(lineOf(1) + "revoked " + idOf(1) + "\n");
  EXPECT_EQ(believed({signedBy(1), Voice::Own, "a:"}), Voice::Foreign);
  list("half a list\n");
  EXPECT_EQ(believed({signedBy(1), Voice::Own, "a:"}), Voice::Foreign);
}

TEST_F(RecordTrustTest, AChangedBodyIsNobodysWord) {
  list(lineOf(1));
  Record changed = signedBy(1);
  changed.medianNs -= 1000;
  EXPECT_EQ(believed({changed, Voice::Own, "a:"}), Voice::Foreign);
}

TEST_F(RecordTrustTest, OnesOwnNeedsNoSignature) {
  list("");
  EXPECT_EQ(believed({measured(1, 1), Voice::Own, {}}), Voice::Own);
  EXPECT_EQ(believed({measured(1, 1), Voice::Bundled, "a:"}), Voice::Bundled);
}

} // namespace
