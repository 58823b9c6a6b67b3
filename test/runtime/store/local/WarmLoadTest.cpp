// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a warm start costs: key to verified bytes, of 1000 kernels of 200 KB.
#include "runtime/store/local/ActionFile.h"
#include "runtime/store/local/ObjectFile.h"
#include "test/runtime/store/local/StoreSample.h"

#include <algorithm>
#include <chrono>

using namespace attn_jit::store;
using namespace attn_jit::store::test;
using Clock = std::chrono::steady_clock;

namespace {

class WarmLoad : public StoreTest {
protected:
  static void write(const std::string &path, const std::string &bytes) {
    std::filesystem::create_directories(
        std::filesystem::path(path).parent_path());
    replace(path, bytes);
  }
};

TEST_F(WarmLoad, OfAThousandKernels) {
  constexpr int kernels = 1000;
  LocalStore store = open();
  keep(store, sampleEntry(-1)); // makes what layout() resolves
  std::vector<Digest> keys;
  for (int i = 0; i < kernels; ++i) {
    Entry entry = sampleEntry(i, samplePtx(200000, unsigned(i)));
    entry.action.manifest = samplePtx(4000, unsigned(i));
    // As files, since nothing is to survive the machine here.
    write(objectFile(entry), packObject(entry.object));
    write(actionFile(entry), packAction(entry.action, Place::Own, ""));
    keys.push_back(entry.action.key.digest());
  }
  std::ranges::shuffle(keys, std::mt19937(1));
  std::vector<double> micros;
  for (const Digest &key : keys) {
    const auto begin = Clock::now();
    const Lookup found = store.find(key);
    micros.push_back(
        std::chrono::duration<double, std::micro>(Clock::now() - begin)
            .count());
    ASSERT_TRUE(found.entry);
    ASSERT_EQ(found.entry->object.size(), 200000u);
  }
  std::ranges::sort(micros);
  const double median = micros[kernels / 2], p99 = micros[kernels * 99 / 100];
  std::printf("warm load of 200 KB: p50 %.0f us, p99 %.0f us\n", median, p99);
  RecordProperty("p50_us", std::to_string(median));
  RecordProperty("p99_us", std::to_string(p99));
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return; // which takes its time
#endif
#endif
  // What a warm start has in all on a quiet machine; this one may be busy.
  EXPECT_LT(median, 2000);
}

} // namespace
