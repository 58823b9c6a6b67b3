// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files appear whole or not at all, whoever else writes, and what stood there
// before a failure still stands.
#include "runtime/File.h"
#include "TestDevice.h"
#include "tensor/TemporaryFolder.h"

#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace attn_jit::rt;
using namespace attn_jit::rt::test;
namespace fs = std::filesystem;

namespace {

class Files : public testing::Test {
protected:
  static std::string read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  attn_jit::test::TemporaryFolder folder;
};

TEST_F(Files, ReplacesAndLeavesNothingElse) {
  const std::string path = folder.file("a");
  must(writeFile(path, "one"));
  must(writeFile(path, ""));
  must(writeFile(path, std::string_view("t\0wo", 4)));
  EXPECT_EQ(read(path), std::string("t\0wo", 4));
  EXPECT_EQ(folder.count(), 1u);
  // The longest name that a folder holds.
  must(writeFile(folder.file(std::string(255, 'x')), "long"));
}

TEST_F(Files, UnwritablePathsAreBadInput) {
  for (const std::string &path :
       {folder.file("no/such"), folder.path.string(), std::string(),
        folder.file("x") + "/", std::string("/proc/none")}) {
    const Error error = errorOf(writeFile(path, "x"));
    EXPECT_EQ(error.exitCode(), 2) << path;
    EXPECT_HAS(error.text, path + ": cannot be written: ");
  }
  EXPECT_EQ(folder.count(), 0u);
  EXPECT_HAS(errorOf(writeFile("/dev/full", "x")).text,
             "/dev/full: writing it failed: No space");
  must(writeFile("/dev/null", "x"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(Files, HaveTheModeThatTheProcessGives) {
  const mode_t before = umask(027);
  must(writeFile(folder.file("a"), "x"));
  umask(before);
  struct stat known;
  ASSERT_EQ(stat(folder.file("a").c_str(), &known), 0);
  EXPECT_EQ(known.st_mode & 0777, 0640u);
}

TEST_F(Files, LinksKeepTheirPlace) {
  const std::string target = folder.write("target", "old");
  fs::create_symlink("target", folder.file("link"));
  must(writeFile(folder.file("link"), "new"));
  EXPECT_EQ(read(target), "new");
  EXPECT_TRUE(fs::is_symlink(folder.file("link")));
  fs::create_symlink("nowhere", folder.file("dangling"));
  EXPECT_FALSE(writeFile(folder.file("dangling"), "x"));
}

TEST_F(Files, AllOrNone) {
  const std::string first = folder.write("first", "old"),
                    fresh = folder.file("fresh"), third = folder.file("third");
  fs::create_directory(third);
  // A folder can not be replaced, which shows only when its turn has come.
  const FileContent set[] = {{first, "new"}, {fresh, "new"}, {third, "new"}};
  EXPECT_HAS(errorOf(writeFiles(set)).text, third + ": cannot be written");
  EXPECT_EQ(read(first), "old");
  EXPECT_FALSE(fs::exists(fresh));
  EXPECT_TRUE(fs::is_directory(third));
  EXPECT_EQ(folder.count(), 2u);
  fs::remove(third);
  must(writeFiles(set));
  EXPECT_EQ(read(first) + read(fresh) + read(third), "newnewnew");
  EXPECT_EQ(folder.count(), 3u);
  const FileContent full[] = {{first, "newer"}, {"/dev/full", "x"}};
  EXPECT_FALSE(writeFiles(full));
  EXPECT_EQ(read(first), "new");
}

TEST_F(Files, ManyWritersOfOneName) {
  const std::string path = folder.file("a");
  std::vector<std::thread> threads;
  for (char each = 'a'; each < 'i'; ++each)
    threads.emplace_back([&, each] {
      const std::string bytes(100000, each);
      for (int i = 0; i < 20; ++i)
        must(writeFile(path, bytes));
    });
  for (int i = 0; i < 50; ++i)
    if (const std::string seen = read(path); !seen.empty())
      EXPECT_EQ(seen, std::string(100000, seen[0]));
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(read(path).size(), 100000u);
  EXPECT_EQ(folder.count(), 1u);
}

} // namespace
