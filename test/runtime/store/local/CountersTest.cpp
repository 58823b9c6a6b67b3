// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts of many processes are summed; a child of fork counts its own alone.
#include "test/runtime/store/local/StoreSample.h"

#include <csignal>
#include <thread>

using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {

class CountersTest : public StoreTest {
protected:
  int64_t value(const char *name) { return open().counts().at(name); }
};

TEST_F(CountersTest, OutliveTheirProcess) {
  EXPECT_EQ(value("absent_misses"), 0);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(inChild([&] {
                LocalStore store = open();
                store.find(sha256("none"));
                return int(store.counts().at("absent_misses"));
              }),
              i + 1);
  EXPECT_EQ(value("absent_misses"), 3);
  EXPECT_EQ(filesIn(rootPath() + "/v1/tmp"), 0u);
}

TEST_F(CountersTest, OfAChildBeginAtZero) {
  LocalStore store = open();
  store.find(sha256("none"));
  EXPECT_EQ(inChild([&] {
              store.find(sha256("none"));
              store.flushCounts();
              return 0;
            }),
            0);
  store.flushCounts();
  EXPECT_EQ(value("absent_misses"), 2);
}

TEST_F(CountersTest, ManyProcessesAtOnce) {
  LocalStore store = open();
  keep(store, sampleEntry(1));
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      for (int j = 0; j < 10; ++j)
        has(open(), sampleEntry(1));
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children)
    waitpid(child, nullptr, 0);
  EXPECT_EQ(value("own_hits"), 80);
}

TEST_F(CountersTest, OfManyThreads) {
  LocalStore store = open();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < 100; ++j)
        store.find(sha256("none"));
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(store.counts().at("absent_misses"), 400);
}

// Another version's names are kept; what is no count is none.
TEST_F(CountersTest, FilesOfOtherVersionsAndOfNobody) {
  LocalStore store = open();
  store.find(sha256("none"));
  store.flushCounts();
  replace(layout().folder("stats"), "absent_misses 7\nteleported 9\nnonsense\n"
                                    "own_hits -3\nown_hits many\n 5\n\xff");
  store.find(sha256("none"));
  store.flushCounts();
  const Counts counts = store.counts();
  EXPECT_EQ(counts.at("absent_misses"), 8);
  EXPECT_EQ(counts.at("teleported"), 9);
  EXPECT_EQ(counts.at("own_hits"), 0);
  EXPECT_FALSE(counts.contains("nonsense"));
  std::filesystem::remove(layout().folder("stats"));
  std::filesystem::create_directory(layout().folder("stats"));
  store.find(sha256("none"));
  store.flushCounts(); // nowhere to write to: kept in memory
  EXPECT_EQ(store.counts().at("absent_misses"), 1);
}

// The file is whole whenever a process ends.
TEST_F(CountersTest, AfterAKill) {
  open();
  // On a busy machine the first hundred may all end too early to count.
  for (int round = 0;
       round < 100 || (round < 1000 && value("absent_misses") == 0); ++round) {
    const pid_t child = fork();
    if (child == 0)
      for (;;) {
        LocalStore store = open();
        store.find(sha256("none"));
      }
    usleep(useconds_t(500 + 37 * round));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const std::string text = read(rootPath() + "/v1/stats");
    if (!text.empty()) {
      ASSERT_TRUE(text.starts_with("absent_misses ") && text.back() == '\n')
          << text;
      ASSERT_NE(text.find("\nunreadable_misses 0\n"), std::string::npos);
    }
  }
  EXPECT_GT(value("absent_misses"), 0);
}

} // namespace
