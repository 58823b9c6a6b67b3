// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What only segments can meet: torn lines, strangers' files, files that go.
#include "test/runtime/store/records/TestRecords.h"

#include <algorithm>
#include <csignal>
#include <sys/resource.h>

using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {
class RecordSegments : public testing::Test {
protected:
  TestFolder folder;
  std::unique_ptr<RecordStore> store = opened(folder.root(true));

  std::vector<std::string> segments() {
    std::vector<std::string> paths;
    std::error_code none;
    for (const auto &each :
         std::filesystem::directory_iterator(folder.path + "/v1/records", none))
      paths.push_back(each.path());
    std::ranges::sort(paths);
    return paths;
  }
  size_t found() { return store->ofProblem(problemKey(1).digest())->size(); }
};
} // namespace

TEST_F(RecordSegments, AWriterHasOneOfItsOwn) {
  ASSERT_TRUE(store->add(manyOf(1, 2)));
  ASSERT_TRUE(store->add(manyOf(1, 2, 2)));
  EXPECT_EQ(segments().size(), 1u);
  ASSERT_TRUE(opened(folder.root(true))->add(manyOf(1, 2, 4)));
  EXPECT_EQ(segments().size(), 2u);
  EXPECT_EQ(found(), 6u);
}

// As it comes to be on another host: byte by byte, then whole.
TEST_F(RecordSegments, ALineCountsWhenItEnds) {
  ASSERT_TRUE(store->add(manyOf(1, 3)));
  const std::string path = segments()[0], bytes = contentOf(path);
  const size_t second = bytes.find('\n') + 1;
  store = opened(folder.root(true));
  for (size_t length : {size_t(1), second - 1, second, second + 1, second + 200,
                        bytes.size() - 1, bytes.size()}) {
    setContent(path, bytes.substr(0, length));
    EXPECT_EQ(found(), size_t(std::count(bytes.begin(),
                                         bytes.begin() + long(length), '\n')))
        << length;
  }
  EXPECT_EQ(store->faults().lines, 0);
}

TEST_F(RecordSegments, LinesThatAreNoneAreLeftOutOnce) {
  ASSERT_TRUE(store->add(manyOf(1, 4)));
  std::string bytes = contentOf(segments()[0]);
  auto change = [&](const std::string &what, const std::string &by) {
    bytes.replace(bytes.find(what), what.size(), by);
  };
  change("\"median_ns\":41801", "\"median_ns\":11801");
  change("\"voice\":\"own\"", "\"voice\":\"god\"");
  bytes += "nonsense\n\n" + std::string(1 << 20, 'x') + "\n" +
           std::string(2 << 20, 'y');
  setContent(segments()[0], bytes);
  store = opened(folder.root(true));
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(found(), 2u);
    EXPECT_EQ(store->faults().lines, 5);
  }
  ASSERT_TRUE(store->add(manyOf(1, 4)));
  EXPECT_EQ(found(), 4u);
}

TEST_F(RecordSegments, OtherFilesAreNoSegments) {
  ASSERT_TRUE(store->add(manyOf(1, 1)));
  const std::string records = folder.path + "/v1/records/";
  setContent(records + "notes.txt", "nonsense\n");
  std::filesystem::create_directory(records + "folder.jsonl");
  setContent(folder.path + "/elsewhere", "nonsense\n");
  std::filesystem::create_symlink(folder.path + "/elsewhere",
                                  records + "link.jsonl");
  EXPECT_EQ(found(), 1u);
  EXPECT_EQ(store->faults().lines, 0);
}

TEST_F(RecordSegments, WhatAnotherOneHoldsTooStaysWhenOneGoes) {
  ASSERT_TRUE(store->add(manyOf(1, 3)));
  const std::string first = segments()[0];
  std::filesystem::copy_file(first, folder.path + "/v1/records/copy.jsonl");
  ASSERT_TRUE(opened(folder.root(true))->add(manyOf(1, 2, 3)));
  EXPECT_EQ(found(), 5u);
  std::filesystem::remove(first);
  EXPECT_EQ(found(), 5u);
  std::filesystem::remove(folder.path + "/v1/records/copy.jsonl");
  EXPECT_EQ(found(), 2u);
}

// A disk that fills up in the middle of a line: behind it nothing is written.
TEST_F(RecordSegments, AFullDiskTearsNoOtherLine) {
  ASSERT_TRUE(store->add(manyOf(1, 1)));
  const size_t line = contentOf(segments()[0]).size();
  struct rlimit before, limit;
  getrlimit(RLIMIT_FSIZE, &before);
  limit = before;
  limit.rlim_cur = 2 * line + line / 2;
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &limit);
  auto added = store->add(manyOf(1, 5, 1));
  setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().text.find("cannot be written to: "),
            std::string::npos);
  EXPECT_EQ(found(), 2u);
  EXPECT_EQ(*store->add(manyOf(1, 6)), 4);
  EXPECT_EQ(segments().size(), 2u);
  EXPECT_EQ(found(), 6u);
  EXPECT_EQ(store->faults().lines, 0);
}
