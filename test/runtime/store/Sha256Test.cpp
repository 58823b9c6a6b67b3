// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The processor's SHA-256 is libsodium's, for every way a text can end.
#include "runtime/store/Sha256Instructions.h"
#include "test/runtime/store/local/StoreSample.h"

#include <sodium.h>

using namespace attn_jit::store;

TEST(Sha256Instructions, IsTheSameDigest) {
  if (!sha256ByInstructions(""))
    GTEST_SKIP() << "this processor has no SHA instructions";
  const std::string bytes = attn_jit::store::test::noise(1 << 20, 1);
  auto expectSame = [&](size_t begin, size_t size) {
    const std::string_view text = std::string_view(bytes).substr(begin, size);
    Digest digest;
    crypto_hash_sha256(digest.bytes.data(),
                       reinterpret_cast<const unsigned char *>(text.data()),
                       text.size());
    EXPECT_EQ(sha256ByInstructions(text)->hex(), digest.hex()) << size;
  };
  for (size_t size = 0; size < 300; ++size)
    expectSame(size % 7, size); // no alignment is needed
  expectSame(0, bytes.size());
  expectSame(1, bytes.size() - 1);
}
