// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every record store does alike: SQLite, segments, memory.
#include "test/runtime/store/TestRecords.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {
enum class Kind { Database, Segments, Memory };

class Stores : public testing::TestWithParam<Kind> {
protected:
  bool onDisk() const { return GetParam() != Kind::Memory; }
  CacheRoot root(bool readOnly = false) const {
    return onDisk() ? folder.root(GetParam() == Kind::Segments, readOnly)
                    : CacheRoot();
  }
  TestFolder folder;
  std::unique_ptr<RecordStore> store = opened(root());

  int64_t add(std::span<const StoredRecord> records) {
    auto added = store->add(records);
    EXPECT_TRUE(added) << added.error().text;
    return added ? *added : -1;
  }
  int64_t add(const StoredRecord &record) { return add({&record, 1}); }
  std::vector<StoredRecord> of(int problem) {
    auto found = store->ofProblem(problemKey(problem).digest());
    EXPECT_TRUE(found) << found.error().text;
    return found ? std::move(*found) : std::vector<StoredRecord>();
  }
};
} // namespace

INSTANTIATE_TEST_SUITE_P(
    All, Stores, testing::Values(Kind::Database, Kind::Segments, Kind::Memory),
    [](const testing::TestParamInfo<Kind> &info) {
      return std::string(info.param == Kind::Database   ? "Database"
                         : info.param == Kind::Segments ? "Segments"
                                                        : "Memory");
    });

TEST_P(Stores, TouchNothingBeforeTheyAreUsed) {
  EXPECT_TRUE(std::filesystem::is_empty(folder.path));
}

TEST_P(Stores, AnswerByProblemInTheOrderOfIdentities) {
  EXPECT_EQ(*store->count(), 0);
  EXPECT_TRUE(of(1).empty());
  EXPECT_EQ(add(manyOf(1, 40)), 40);
  EXPECT_EQ(add(manyOf(2, 7)), 7);
  EXPECT_EQ(*store->count(), 47);
  const auto found = of(1);
  ASSERT_EQ(found.size(), 40u);
  for (size_t i = 1; i < found.size(); ++i)
    EXPECT_LT(found[i - 1].record.identity(), found[i].record.identity());
  EXPECT_EQ(of(2).size(), 7u);
  EXPECT_TRUE(of(3).empty());
}

TEST_P(Stores, VisitAllInTheOrderOfIdentities) {
  add(manyOf(1, 600));
  std::vector<Digest> visited;
  ASSERT_TRUE(store->each([&](const StoredRecord &stored) {
    // A visitor may ask the store.
    if (visited.empty())
      EXPECT_EQ(*store->count(), 600);
    visited.push_back(stored.record.identity());
  }));
  EXPECT_EQ(visited.size(), 600u);
  EXPECT_TRUE(std::ranges::is_sorted(visited));
}

TEST_P(Stores, AddIsIdempotent) {
  auto records = manyOf(1, 10);
  records.push_back(records[3]);
  EXPECT_EQ(add(records), 10);
  const auto before = linesOf(*store);
  EXPECT_EQ(add(records), 0);
  EXPECT_EQ(add({}), 0);
  EXPECT_EQ(linesOf(*store), before);
}

TEST_P(Stores, KeepTextsAsTheyAre) {
  StoredRecord stored{measured(1, 1), Voice::Foreign,
                      "https://cache/\xc3\xa9?a=\"b\""};
  stored.record.note = std::string("\0 \"\\\n", 5);
  stored.record.later = {{"cold_ns", "43000"}, {"power", "{\"watts\":700}"}};
  stored.record.signature = formedSignature();
  add(stored);
  const auto found = of(1);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(lineOf(found[0]), lineOf(stored));
  EXPECT_EQ(found[0].record.note, stored.record.note);
  EXPECT_EQ(found[0].record.later, stored.record.later);
}

// Every order of these gives the same one.
TEST_P(Stores, KeepTheStrongestOfOneIdentity) {
  std::vector<StoredRecord> same(6, {measured(1, 1), Voice::Foreign, "b:"});
  same[1].origin = "a:";
  same[2].origin = "a:";
  same[2].record.signature = formedSignature('B');
  same[3].origin = "a:";
  same[3].record.signature = formedSignature('C');
  same[4].voice = Voice::Bundled;
  same[5] = {measured(1, 1), Voice::Own, {}};
  std::mt19937 random(3);
  for (int strongest : {1, 2, 4, 5})
    for (int round = 0; round < 6; ++round) {
      std::vector<StoredRecord> some(same.begin(),
                                     same.begin() + strongest + 1);
      if (strongest == 2)
        some.push_back(same[3]);
      std::ranges::shuffle(some, random);
      const TestFolder fresh;
      CacheRoot at = root();
      if (at)
        at.path = fresh.path;
      store = opened(at);
      int64_t added = 0;
      for (const StoredRecord &each : some)
        added += add(each);
      EXPECT_EQ(added, 1);
      ASSERT_EQ(of(1).size(), 1u);
      EXPECT_EQ(lineOf(of(1)[0]), lineOf(same[size_t(strongest)]));
      EXPECT_EQ(add(some), 0);
      EXPECT_EQ(lineOf(of(1)[0]), lineOf(same[size_t(strongest)]));
    }
}

TEST_P(Stores, MergeToTheSameSetInAnyOrder) {
  std::vector<StoredRecord> records = manyOf(1, 60);
  for (int i = 0; i < 60; i += 3)
    records.push_back({retraction(measured(1, i)), Voice(i % 2), {}});
  for (int i = 0; i < 20; ++i)
    records.push_back({measured(2, i), Voice::Foreign, "redis://a:1/0"});
  std::mt19937 random(5);
  std::vector<std::string> expected;
  for (int round = 0; round < 4; ++round) {
    const TestFolder fresh;
    CacheRoot at = root();
    if (at)
      at.path = fresh.path;
    store = opened(at);
    std::ranges::shuffle(records, random);
    for (size_t i = 0; i < records.size(); i += 17)
      add(std::span(records).subspan(i,
                                     std::min<size_t>(17, records.size() - i)));
    auto lines = linesOf(*store);
    for (const StoredRecord &stored : of(1))
      lines.push_back(lineOf(stored));
    if (round)
      EXPECT_EQ(lines, expected);
    expected = std::move(lines);
  }
}

TEST_P(Stores, TakeOutWhatIsRetracted) {
  add(manyOf(1, 3));
  // The other's retraction lies there before what it retracts.
  add({retraction(measured(1, 3)), Voice::Own, {}});
  add(manyOf(1, 1, 3));
  add({retraction(measured(1, 0)), Voice::Own, {}});
  add({retraction(measured(1, 1)), Voice::Foreign, "a:"});
  std::vector<int64_t> medians;
  for (const StoredRecord &stored : of(1))
    medians.push_back(stored.record.medianNs - 41800);
  std::ranges::sort(medians);
  EXPECT_EQ(medians, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(*store->count(), 7);
  EXPECT_EQ(linesOf(*store).size(), 7u);
}

TEST_P(Stores, RefuseWhatCannotBeReadAgain) {
  auto records = manyOf(1, 3);
  records[1].record.samples = 0;
  auto added = store->add(records);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().text, "record: \"samples\" is not what it may be");
  EXPECT_EQ(*store->count(), 0);
}

TEST_P(Stores, ShareOneFolder) {
  if (!onDisk())
    GTEST_SKIP() << "memory is one process's";
  const auto other = opened(root());
  add(manyOf(1, 5));
  ASSERT_TRUE(other->add(manyOf(1, 5, 5)));
  EXPECT_EQ(of(1).size(), 10u);
  EXPECT_EQ(linesOf(*other), linesOf(*store));
  store = opened(root());
  EXPECT_EQ(*store->count(), 10);
}

TEST_P(Stores, ReadOnlyFoldersAreRead) {
  if (!onDisk())
    GTEST_SKIP() << "memory has no folder";
  auto reader = opened(root(true));
  EXPECT_EQ(*reader->count(), 0);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path));
  add(manyOf(1, 5));
  EXPECT_EQ(*reader->count(), 5);
  EXPECT_EQ(reader->ofProblem(problemKey(1).digest())->size(), 5u);
  auto added = reader->add(manyOf(1, 9));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, attn_jit::rt::ErrorCode::Unsupported);
  EXPECT_NE(added.error().text.find("the folder is read-only"),
            std::string::npos);
}

TEST_P(Stores, GoOnWhereTheirFolderWasRemoved) {
  if (!onDisk())
    GTEST_SKIP() << "memory has no folder";
  add(manyOf(1, 5));
  std::filesystem::remove_all(folder.path + "/v1");
  EXPECT_EQ(*store->count(), 0);
  EXPECT_EQ(add(manyOf(1, 5)), 5);
  EXPECT_EQ(of(1).size(), 5u);
}

TEST_P(Stores, AreUsedByManyThreads) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(add(manyOf(thread % 2, 2, 100 * thread + 2 * i)), 2);
        EXPECT_GE(of(thread % 2).size(), size_t(2 * i + 2));
        EXPECT_EQ(store->faults().lines, 0);
      }
      EXPECT_GE(linesOf(*store).size(), 40u);
    });
  for (std::thread &each : threads)
    each.join();
  EXPECT_EQ(*store->count(), 160);
}

/// What a child's work ends with; a signal gives 128 and its number.
static int inChild(const std::function<void()> &work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(testing::Test::HasFailure());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST_P(Stores, AreUsableAfterFork) {
  add(manyOf(1, 3));
  EXPECT_EQ(inChild([&] {
              EXPECT_EQ(of(1).size(), 3u);
              EXPECT_EQ(add(manyOf(1, 2, 3)), 2);
              EXPECT_EQ(of(1).size(), 5u);
            }),
            0);
  EXPECT_EQ(add(manyOf(1, 2, 5)), 2);
  EXPECT_EQ(of(1).size(), onDisk() ? 7u : 5u);
}

// A child is never born with a lock that nobody releases.
TEST_P(Stores, AreUsableInChildrenOfBusyProcesses) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "the thread sanitizer refuses forks of several threads";
#endif
#endif
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 2; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; !stop; ++i)
        add(manyOf(1, 1, 10000 * thread + i));
    });
  for (int round = 0; round < 20; ++round)
    EXPECT_EQ(inChild([&] {
                alarm(20); // a deadlock is a failure, no hang
                EXPECT_EQ(add(manyOf(2, 1, round)), 1);
                EXPECT_EQ(of(2).size(), onDisk() ? size_t(round) + 1 : 1u);
              }),
              0);
  stop = true;
  for (std::thread &each : threads)
    each.join();
}

// Eight writers of 200 records each, some of them killed on their way: what a
// writer was told is there is there, and each record is whole.
TEST_P(Stores, LoseNothingOfManyProcesses) {
  if (!onDisk())
    GTEST_SKIP() << "memory is one process's";
  constexpr int writers = 8, each = 200, killed = 3;
  std::vector<pid_t> children;
  std::vector<int> told;
  for (int writer = 0; writer < writers; ++writer) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      const auto own = opened(root());
      for (int i = 0; i < each; ++i) {
        const auto one = manyOf(writer, 1, i);
        if (auto added = own->add(one); !added || *added != 1)
          _exit(1);
        if (write(ends[1], "+", 1) != 1)
          _exit(1);
      }
      _exit(0);
    }
    close(ends[1]);
    children.push_back(child);
    told.push_back(ends[0]);
  }
  std::vector<int> kept(writers);
  for (int writer = 0; writer < writers; ++writer) {
    char sign;
    for (; read(told[size_t(writer)], &sign, 1) == 1; ++kept[size_t(writer)])
      if (writer < killed && kept[size_t(writer)] == 20 * (writer + 1))
        kill(children[size_t(writer)], SIGKILL);
    close(told[size_t(writer)]);
    int status = 0;
    waitpid(children[size_t(writer)], &status, 0);
    EXPECT_EQ(status, writer < killed ? SIGKILL : 0);
  }
  for (int writer = 0; writer < writers; ++writer) {
    std::set<std::string> lines;
    for (const StoredRecord &stored : of(writer))
      lines.insert(stored.record.line());
    if (writer >= killed)
      EXPECT_EQ(kept[size_t(writer)], each);
    for (int i = 0; i < kept[size_t(writer)]; ++i)
      EXPECT_TRUE(lines.contains(measured(writer, i).line()));
    // At most the one under way besides.
    EXPECT_LE(lines.size(), size_t(kept[size_t(writer)]) + 1);
  }
  EXPECT_EQ(store->faults().databases, 0);
  EXPECT_EQ(store->faults().lines, 0);
}
