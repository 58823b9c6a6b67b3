// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What was not used for longest goes first, whatever clocks say; what is in use
// or under way stays.
#include "runtime/store/local/Prune.h"
#include "test/runtime/store/local/StoreSample.h"

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>

using namespace attn_jit::store;
using namespace attn_jit::store::test;
using namespace std::chrono_literals;

namespace {

constexpr int64_t hour = 3600, day = 24 * hour;

class PruneTest : public StoreTest {
protected:
  static void age(const std::string &path, int64_t seconds) {
    const time_t then = time(nullptr) - seconds;
    const struct timespec times[2] = {{then, 0}, {then, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0) << path;
  }
  static int64_t ageOf(const std::string &path) {
    struct stat known;
    return lstat(path.c_str(), &known) == 0 ? time(nullptr) - known.st_mtime
                                            : -1;
  }
  static bool exists(const std::string &path) {
    return std::filesystem::exists(path);
  }
  int64_t sizeOf(const Entry &entry) {
    return int64_t(std::filesystem::file_size(actionFile(entry)) +
                   std::filesystem::file_size(objectFile(entry)));
  }
};

TEST_F(PruneTest, VerifyIsNoUse) {
  LocalStore store = open();
  const Entry entry = sampleEntry(1);
  keep(store, entry);
  age(actionFile(entry), 10 * day);
  age(objectFile(entry), 10 * day);
  EXPECT_TRUE(store.verify().empty());
  EXPECT_GE(ageOf(actionFile(entry)), 10 * day);
  EXPECT_GE(ageOf(objectFile(entry)), 10 * day);
  EXPECT_TRUE(has(store, entry));
  EXPECT_LT(ageOf(actionFile(entry)), day);
}

TEST_F(PruneTest, LeastRecentlyUsedGoesFirst) {
  LocalStore store = open();
  std::vector<Entry> entries;
  for (int i = 0; i < 6; ++i) {
    entries.push_back(sampleEntry(i, noise(5000, unsigned(i))));
    keep(store, entries[i], i % 2 ? Place::Foreign : Place::Own, "http://a");
    age(actionFile(entries[i], i % 2 ? Shelf::Foreign : Shelf::Actions),
        (10 - i) * day);
  }
  // Being found is use.
  EXPECT_TRUE(store.find(entries[0].action.key.digest()).entry);
  const int64_t before = store.usage().bytes;
  const int64_t removed = store.prune({.bytes = before / 2});
  EXPECT_EQ(before - removed, store.usage().bytes);
  EXPECT_LE(store.usage().bytes, before / 2);
  EXPECT_TRUE(has(store, entries[0]));
  EXPECT_TRUE(has(store, entries[5]));
  for (int i : {1, 2, 3}) {
    EXPECT_EQ(store.find(entries[i].action.key.digest()).miss, Miss::Absent);
    EXPECT_FALSE(exists(objectFile(entries[i]))) << i;
  }
  EXPECT_EQ(store.counts().at("pruned_bytes"), removed);
  EXPECT_EQ(store.verify(), std::vector<std::string>());
}

TEST_F(PruneTest, OldOnesGo) {
  LocalStore store = open();
  const Entry old = sampleEntry(1), young = sampleEntry(2);
  keep(store, old);
  keep(store, young);
  age(actionFile(old), 91 * day);
  age(actionFile(young), 89 * day);
  store.prune({});
  EXPECT_FALSE(has(store, old));
  EXPECT_TRUE(has(store, young));
}

// So that a look-up costs no write.
TEST_F(PruneTest, UseIsMarkedOnceAnHour) {
  LocalStore store = open();
  const Entry entry = sampleEntry(1);
  keep(store, entry);
  age(actionFile(entry), hour / 2);
  EXPECT_TRUE(has(store, entry));
  EXPECT_GE(ageOf(actionFile(entry)), hour / 2);
  age(actionFile(entry), 2 * hour);
  EXPECT_TRUE(has(store, entry));
  EXPECT_LT(ageOf(actionFile(entry)), hour / 2);
  age(actionFile(entry), -2 * day);
  EXPECT_TRUE(has(store, entry));
  EXPECT_GE(ageOf(actionFile(entry)), 0) << "a clock was ahead";
}

TEST_F(PruneTest, AnObjectStaysWhileAnActionNamesIt) {
  LocalStore store = open();
  const Entry old = sampleEntry(1, "shared"), young = sampleEntry(2, "shared");
  keep(store, old);
  keep(store, young);
  age(actionFile(old), 100 * day);
  age(objectFile(old), 100 * day);
  store.prune({});
  EXPECT_FALSE(has(store, old));
  EXPECT_TRUE(has(store, young));
}

// An object without an action is one of a publication under way, at first.
TEST_F(PruneTest, OrphansStayForAnHour) {
  LocalStore store = open();
  const Entry entry = sampleEntry(1);
  keep(store, entry);
  std::filesystem::remove(actionFile(entry));
  age(objectFile(entry), orphanSeconds / 2);
  store.prune({});
  EXPECT_TRUE(exists(objectFile(entry)));
  age(objectFile(entry), 2 * orphanSeconds);
  store.prune({});
  EXPECT_FALSE(exists(objectFile(entry)));
}

// What another publication finds there is marked before prune can take it.
TEST_F(PruneTest, PublishingMarksTheObjectItFinds) {
  LocalStore store = open();
  const Entry first = sampleEntry(1, "shared"),
              second = sampleEntry(2, "shared");
  keep(store, first);
  std::filesystem::remove(actionFile(first));
  age(objectFile(first), 100 * day);
  keep(store, second);
  EXPECT_LT(ageOf(objectFile(second)), hour);
}

TEST_F(PruneTest, MarksOfTheFutureDoNotKeepAnything) {
  LocalStore store = open();
  const Entry future = sampleEntry(1, noise(5000, 1)),
              now = sampleEntry(2, noise(5000, 2));
  keep(store, future);
  keep(store, now);
  age(actionFile(future), -10000 * day);
  age(objectFile(future), -10000 * day);
  store.prune({});
  EXPECT_TRUE(exists(actionFile(future))) << "no limit asks for it";
  store.prune({.bytes = 0});
  EXPECT_EQ(store.usage().bytes, 0);
}

static ListedFile listed(int64_t marked, int64_t changed, int64_t size,
                         std::string_view object) {
  ListedFile file;
  file.known.st_mtim.tv_sec = marked;
  file.known.st_ctim.tv_sec = changed;
  file.known.st_size = size;
  file.object = sha256(object);
  return file;
}

// All stamps lie ahead where this clock was set back: nothing is too old, and
// the order of use is still known.
TEST_F(PruneTest, AClockThatWasSetBack) {
  const int64_t now = 1000;
  std::vector<ListedFile> actions, objects;
  for (const int64_t last : {300 * day, 100 * day, 200 * day}) {
    actions.push_back(listed(last, last, 10, std::to_string(last)));
    objects.push_back(listed(last, last, 90, std::to_string(last)));
  }
  EXPECT_TRUE(planRemoval(actions, objects, {}, now).actions.empty());
  EXPECT_TRUE(planRemoval(actions, objects, {}, now).objects.empty());
  const Removal removal = planRemoval(actions, objects, {.bytes = 150}, now);
  EXPECT_EQ(removal.actions, (std::vector<size_t>{1, 2}));
  EXPECT_EQ(removal.objects, (std::vector<size_t>{1, 2}));
}

// A mark ahead of the clock counts as the time when it was made.
TEST_F(PruneTest, AMarkAhead) {
  const int64_t now = 1000 * day;
  std::vector<ListedFile> actions = {
      listed(5000 * day, 990 * day, 10, "a"), // restored by a copy
      listed(995 * day, 995 * day, 10, "b"),
      listed(5000 * day, 800 * day, 10, "c")};
  Removal removal = planRemoval(actions, {}, {.bytes = 20}, now);
  EXPECT_EQ(removal.actions, std::vector<size_t>{2}) << "too old";
  removal = planRemoval(actions, {}, {.bytes = 10}, now);
  EXPECT_EQ(removal.actions, (std::vector<size_t>{2, 0}));
}

TEST_F(PruneTest, OneAtATime) {
  LocalStore store = open();
  keep(store, sampleEntry(1));
  auto other = FileLock::take(layout().lockFile("prune"), 0,
                              FileLock::Kind::Exclusive, 0ms);
  ASSERT_TRUE(other);
  EXPECT_EQ(store.prune({.bytes = 0}), 0);
  EXPECT_TRUE(has(store, sampleEntry(1)));
  other.reset();
  EXPECT_GT(store.prune({.bytes = 0}), 0);
}

TEST_F(PruneTest, OnceADayByItself) {
  LocalStore store = open();
  keep(store, sampleEntry(1));
  EXPECT_GT(store.pruneIfDue({.bytes = 0}), 0);
  keep(store, sampleEntry(1));
  EXPECT_EQ(store.pruneIfDue({.bytes = 0}), 0);
  for (const int64_t seconds : {2 * day, -2 * day}) {
    keep(store, sampleEntry(1));
    age(layout().folder("pruned"), seconds);
    EXPECT_GT(store.pruneIfDue({.bytes = 0}), 0) << seconds;
  }
}

TEST_F(PruneTest, QuarantineIsKeptForAMonth) {
  LocalStore store = open();
  const Entry entry = sampleEntry(1);
  keep(store, entry);
  replace(actionFile(entry), "x");
  EXPECT_FALSE(has(store, entry));
  ASSERT_EQ(store.usage().quarantined, 1);
  const std::string folder = layout().folder("quarantine");
  const std::string kept =
      std::filesystem::directory_iterator(folder)->path().string();
  age(kept, 29 * day);
  store.prune({});
  EXPECT_EQ(store.usage().quarantined, 1);
  age(kept, 31 * day);
  store.prune({});
  EXPECT_EQ(store.usage().quarantined, 0);
}

// Publishers and readers never see half an entry while all is taken away.
TEST_F(PruneTest, BesidePublishers) {
  LocalStore store = open();
  std::atomic<bool> stop = false;
  std::atomic<int> broken = 0, published = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&, i] {
      LocalStore own = open();
      for (int j = 0; !stop; ++j) {
        // Few objects, so that one is often found there.
        const Entry entry =
            sampleEntry(1000 * i + j % 20, "object " + std::to_string(j % 4));
        broken += !own.publish(entry.action, entry.object);
        const Lookup found = own.find(entry.action.key.digest());
        broken += !found.entry && found.miss != Miss::Absent;
        ++published;
      }
    });
  const auto limit = std::chrono::steady_clock::now() + 60s;
  for (int i = 0; i < 50 || published < 60; ++i) {
    store.prune({.bytes = 0});
    if (std::chrono::steady_clock::now() > limit)
      break;
  }
  stop = true;
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(broken, 0);
  EXPECT_GE(published, 60);
  EXPECT_EQ(store.verify(), std::vector<std::string>());
}

} // namespace
