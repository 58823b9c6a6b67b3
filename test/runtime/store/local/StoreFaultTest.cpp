// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A full disk and one that cannot be written: what is there is found, what is
// not kept is said, nothing is left in part. Each in a mount namespace of its
// own, whose mounts end with it.
#include "test/runtime/store/local/StoreSample.h"

#include <sched.h>
#include <sys/mount.h>

using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {

class StoreFault : public StoreTest {
protected:
  StoreFault() { std::filesystem::create_directory(disk()); }
  std::string disk() const { return folder.file("disk"); }

  static constexpr int cannotMount = 77;
  /// `body` where `disk` is a small file system; the line that failed, or 0.
  template <typename Body> int onDisk(const char *options, Body body) {
    return inChild([&] {
      if (unshare(CLONE_NEWNS) != 0 ||
          mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          mount("none", disk().c_str(), "tmpfs", 0, options) != 0)
        return cannotMount;
      return body();
    });
  }
};

#define NEED(...)                                                              \
  do {                                                                         \
    if (!(__VA_ARGS__))                                                        \
      return __LINE__ % 256 ? __LINE__ % 256 : 1;                              \
  } while (false)

TEST_F(StoreFault, AFullDisk) {
  const int done = onDisk("size=512k,mode=700", [&] {
    LocalStore store(checkCacheRoot(disk() + "/cache"));
    const Entry small = sampleEntry(1),
                large = sampleEntry(2, noise(600000, 1));
    NEED(store.publish(small.action, small.object));
    auto refused = store.publish(large.action, large.object);
    NEED(!refused);
    NEED(refused.error().text.find("cannot be written: No space left") !=
         std::string::npos);
    NEED(store.find(small.action.key.digest()).entry);
    NEED(store.find(large.action.key.digest()).miss == Miss::Absent);
    NEED(filesIn(disk() + "/cache/v1/tmp") == 0);
    NEED(store.verify().empty());
    // To the last page: no order of failing leaves half an entry.
    int kept = 0;
    for (int i = 3; i < 200; ++i) {
      const Entry entry = sampleEntry(i, noise(6000, unsigned(i)));
      const bool published(store.publish(entry.action, entry.object));
      const Lookup found = store.find(entry.action.key.digest());
      NEED(published == bool(found.entry));
      NEED(published || found.miss == Miss::Absent);
      kept += published;
    }
    NEED(kept > 10 && kept < 190);
    NEED(store.verify().empty());
    NEED(filesIn(disk() + "/cache/v1/tmp") == 0);
    store.prune({.bytes = 0});
    NEED(store.publish(small.action, small.object));
    return 0;
  });
  if (done == cannotMount)
    GTEST_SKIP() << "needs to mount a small file system";
  EXPECT_EQ(done, 0) << "line";
}

TEST_F(StoreFault, AReadOnlyDisk) {
  const int done = onDisk("size=1m,mode=700", [&] {
    const Entry there = sampleEntry(1), absent = sampleEntry(2),
                bad = sampleEntry(3);
    const std::string path = disk() + "/cache";
    {
      LocalStore store(checkCacheRoot(path));
      NEED(store.publish(there.action, there.object));
      NEED(store.publish(bad.action, bad.object));
    }
    replace(
        Layout(checkCacheRoot(path)).file(Shelf::Objects, bad.action.object),
        "x");
    NEED(mount("none", disk().c_str(), nullptr, MS_REMOUNT | MS_RDONLY,
               nullptr) == 0);
    const CacheRoot root = checkCacheRoot(path);
    NEED(root && root.readOnly);
    auto notice = noticeOnce(root);
    NEED(notice == path + " cannot be written: kernels are found there, new "
                          "ones are not kept");
    NEED(!noticeOnce(root));
    LocalStore store(root);
    NEED(store.find(there.action.key.digest()).entry);
    NEED(store.find(absent.action.key.digest()).miss == Miss::Absent);
    NEED(store.find(bad.action.key.digest()).miss == Miss::Corrupt);
    NEED(store.verify().size() == 2);
    auto refused = store.publish(absent.action, absent.object);
    NEED(!refused && refused.error().text == path + ": it is read-only");
    NEED(!store.lock(there.action.key.digest(), std::chrono::hours(1)));
    NEED(store.prune({.bytes = 0}) == 0);
    // One that is not there yet cannot be made.
    NEED(checkCacheRoot(disk() + "/other").absent ==
         disk() + "/other cannot be made: Read-only file system");
    return 0;
  });
  if (done == cannotMount)
    GTEST_SKIP() << "needs to mount a file system";
  EXPECT_EQ(done, 0) << "line";
}

// It turns read-only while the store is open: no error but of publications.
TEST_F(StoreFault, ADiskThatTurnsReadOnly) {
  const int done = onDisk("size=1m,mode=700", [&] {
    LocalStore store(checkCacheRoot(disk() + "/cache"));
    const Entry there = sampleEntry(1), absent = sampleEntry(2);
    NEED(store.publish(there.action, there.object));
    NEED(mount("none", disk().c_str(), nullptr, MS_REMOUNT | MS_RDONLY,
               nullptr) == 0);
    NEED(store.find(there.action.key.digest()).entry);
    NEED(!store.publish(absent.action, absent.object));
    NEED(!store.lock(there.action.key.digest(), std::chrono::hours(1)));
    NEED(store.prune({.bytes = 0}) == 0);
    NEED(store.find(there.action.key.digest()).entry);
    store.flushCounts();
    return 0;
  });
  if (done == cannotMount)
    GTEST_SKIP() << "needs to mount a file system";
  EXPECT_EQ(done, 0) << "line";
}

} // namespace
