// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A process may end at any step of a publication: a reader then sees the entry
// whole or not at all, and whoever publishes next succeeds.
#include "runtime/store/files/Publish.h"
#include "test/runtime/store/local/StoreSample.h"

#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>

using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {

constexpr int killsForEachStep = 100;
Step lastStep;
std::string lastPath;

void endThere(Step step, const std::string &path) {
  if (step == lastStep && path == lastPath)
    kill(getpid(), SIGKILL);
}

class PublishKill : public StoreTest {
protected:
  /// Publishes in a child that ends there.
  int publishUntil(const Entry &entry, Step step, const std::string &path) {
    lastStep = step;
    lastPath = path;
    return inChild([&] {
      observeSteps(endThere);
      return open().publish(entry.action, entry.object) ? 0 : 1;
    });
  }
};

TEST_F(PublishKill, EntriesAreWholeOrNotThere) {
  LocalStore warm = open();
  keep(warm, sampleEntry(-1)); // makes the folders that layout() resolves
  int number = 0;
  for (const Shelf shelf : {Shelf::Objects, Shelf::Actions})
    for (const Step step : allSteps)
      for (int i = 0; i < killsForEachStep; ++i) {
        SCOPED_TRACE(std::string(attn_jit::store::name(shelf)) + " " +
                     std::string(attn_jit::store::name(step)));
        ++number;
        const Entry entry =
            sampleEntry(number, samplePtx(2000, unsigned(number)));
        const std::string path =
            shelf == Shelf::Objects ? objectFile(entry) : actionFile(entry);
        ASSERT_EQ(publishUntil(entry, step, path), -SIGKILL);
        LocalStore store = open();
        const Lookup found = store.find(entry.action.key.digest());
        const bool named = shelf == Shelf::Actions &&
                           (step == Step::Named || step == Step::FolderSynced);
        ASSERT_EQ(bool(found.entry), named);
        if (!named)
          ASSERT_EQ(name(found.miss), "absent");
        keep(store, entry);
        ASSERT_TRUE(has(store, entry));
      }
  EXPECT_EQ(number, 1000);
  LocalStore store = open();
  EXPECT_EQ(store.verify(), std::vector<std::string>());
  EXPECT_EQ(store.usage().actions, 1001);
  EXPECT_EQ(store.usage().quarantined, 0);
}

// What was cut off lies in tmp until it is two days old.
TEST_F(PublishKill, LeftoversAreSwept) {
  LocalStore store = open();
  keep(store, sampleEntry(0));
  const Entry entry = sampleEntry(1);
  ASSERT_EQ(publishUntil(entry, Step::Synced, objectFile(entry)), -SIGKILL);
  const std::string folder = rootPath() + "/v1/tmp";
  ASSERT_EQ(filesIn(folder), 1u);
  store.prune({});
  EXPECT_EQ(filesIn(folder), 1u) << "it may be under way";
  for (const auto &file : std::filesystem::directory_iterator(folder)) {
    const struct timespec old[2] = {{time(nullptr) - 49 * 3600, 0},
                                    {time(nullptr) - 49 * 3600, 0}};
    utimensat(AT_FDCWD, file.path().c_str(), old, 0);
  }
  store.prune({});
  EXPECT_EQ(filesIn(folder), 0u);
}

// Many processes publish one entry and are killed at random.
TEST_F(PublishKill, ManyAtOnce) {
  LocalStore store = open();
  keep(store, sampleEntry(0));
  for (int round = 1; round <= 20; ++round) {
    const Entry entry = sampleEntry(round, samplePtx(20000, round));
    std::vector<pid_t> children;
    for (int i = 0; i < 8; ++i) {
      const pid_t child = fork();
      if (child == 0)
        _exit(open().publish(entry.action, entry.object) ? 0 : 1);
      children.push_back(child);
    }
    for (size_t i = 0; i < children.size(); ++i) {
      if (i % 2 == 0) {
        usleep(200 * unsigned(round));
        kill(children[i], SIGKILL);
      }
      int status;
      ASSERT_EQ(waitpid(children[i], &status, 0), children[i]);
      if (i % 2 == 1)
        EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
    }
    EXPECT_TRUE(has(store, entry)) << round;
  }
  EXPECT_EQ(store.verify(), std::vector<std::string>());
}

} // namespace
