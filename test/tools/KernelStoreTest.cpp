// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whoever waits for another to compile: to the end of that, or until it is
// called off.
#include "tools/api/KernelStore.h"
#include "test/runtime/store/local/StoreSample.h"

#include <thread>

using namespace attn_jit;
using namespace attn_jit::api;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

class KernelStoreTest : public store::test::StoreTest {
protected:
  const store::Key key = store::test::sampleEntry(1).action.key;
};

/// A stopped process holds a key's lock for ever.
TEST_F(KernelStoreTest, WhoIsCalledOffDoesNotWaitForTheLock) {
  KernelStore store(store::checkCacheRoot(rootPath()), {});
  const auto held = store.disk().lock(key.digest(), 0ms);
  ASSERT_TRUE(held);
  const auto begin = Clock::now();
  int asked = 0;
  const auto image = store.image(
      key,
      [&](const KernelStore::CalledOff &) -> rt::Result<Compiled> {
        ++asked;
        return rt::failed("called off");
      },
      [&] { return Clock::now() - begin > 50ms; });
  EXPECT_LT(Clock::now() - begin, 10s);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().text, "called off");
  EXPECT_EQ(asked, 1);
}

} // namespace
