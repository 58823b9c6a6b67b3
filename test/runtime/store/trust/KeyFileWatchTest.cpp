// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/trust/KeyFileWatch.h"

#include "test/runtime/store/records/TestRecords.h"
#include "test/runtime/store/trust/TestKeys.h"

#include <thread>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;
using namespace std::chrono_literals;

namespace {

class KeyFileWatchTest : public testing::Test {
protected:
  KeyFileWatchTest() {
    setenv("ATTN_JIT_CONFIG", config.path.c_str(), 1);
    setContent(file, lineOf(1));
  }
  ~KeyFileWatchTest() override { unsetenv("ATTN_JIT_CONFIG"); }
  TestFolder config;
  const std::string file = config.path + "/trusted_keys";
};

TEST_F(KeyFileWatchTest, EachChangeIsToldOnce) {
  KeyFileWatch watch(0ms);
  auto once = [&] { return watch.changed() && !watch.changed(); };
  EXPECT_FALSE(watch.changed());
  EXPECT_FALSE(watch.changed());
  ASSERT_TRUE(revokeKey(file, signer(1).publicKey().id(), "lost"));
  EXPECT_TRUE(once());
  // Of the same length, in place: the file system's clock has ticks.
  std::this_thread::sleep_for(30ms);
  std::string text = contentOf(file);
  text.replace(text.find("lost"), 4, "sold");
  setContent(file, text);
  EXPECT_TRUE(once());
  std::filesystem::remove(file);
  EXPECT_TRUE(once());
  setContent(file, text);
  EXPECT_TRUE(once());
  setenv("ATTN_JIT_CONFIG", "relative", 1);
  EXPECT_TRUE(once());
}

TEST_F(KeyFileWatchTest, LooksNoMoreOftenThanAsked) {
  KeyFileWatch watch(1h);
  EXPECT_FALSE(watch.changed());
  std::filesystem::remove(file);
  EXPECT_FALSE(watch.changed());
}

} // namespace
