// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every record store does alike: SQLite, segments, memory.
#include "test/runtime/store/records/TestStores.h"

#include <algorithm>
#include <random>
#include <thread>

using namespace attn_jit::store;
using namespace attn_jit::store::test;

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

TEST_P(Stores, TellWhichProblemsTheyKnow) {
  EXPECT_TRUE(store->problems()->empty());
  std::vector<Digest> expected;
  for (int problem : {3, 1, 2}) {
    add(manyOf(problem, 5));
    expected.push_back(measured(problem, 1).problemDigest());
  }
  std::ranges::sort(expected);
  EXPECT_EQ(*store->problems(), expected);
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
  EXPECT_EQ(add(std::vector<StoredRecord>()), 0);
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
  std::vector<StoredRecord> same(7, {measured(1, 1), Voice::Foreign, "b:"});
  same[1].origin = "a:";
  // Where it is signed counts for more than where it was heard first.
  same[2].origin = "c:";
  same[2].record.signature = formedSignature('B');
  same[3].origin = "c:";
  same[3].record.signature = formedSignature('C');
  same[4].voice = Voice::Bundled;
  same[5] = {measured(1, 1), Voice::Own, {}};
  same[6] = same[5];
  same[6].record.signature = formedSignature('B');
  std::mt19937 random(3);
  for (int strongest : {1, 2, 4, 5, 6})
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
  EXPECT_EQ(added.error().text, "record: \"samples\" is missing");
  EXPECT_EQ(*store->count(), 0);
}

TEST_P(StoresOnDisk, ShareOneFolder) {
  const auto other = opened(root());
  add(manyOf(1, 5));
  ASSERT_TRUE(other->add(manyOf(1, 5, 5)));
  EXPECT_EQ(of(1).size(), 10u);
  EXPECT_EQ(linesOf(*other), linesOf(*store));
  store = opened(root());
  EXPECT_EQ(*store->count(), 10);
}

TEST_P(StoresOnDisk, ReadOnlyFoldersAreRead) {
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

TEST_P(StoresOnDisk, GoOnWhereTheirFolderWasRemoved) {
  add(manyOf(1, 5));
  std::filesystem::remove_all(folder.path + "/v1");
  EXPECT_EQ(*store->count(), 0);
  EXPECT_EQ(add(manyOf(1, 5)), 5);
  EXPECT_EQ(of(1).size(), 5u);
}

TEST_P(Stores, AreUsedByManyThreads) {
  std::vector<std::thread> threads;
  threads.reserve(4);
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
