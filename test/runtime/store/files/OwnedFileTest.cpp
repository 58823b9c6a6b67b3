// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which files are believed: who may have written them decides, on every step
// of their path.
#include "runtime/store/files/OwnedFile.h"
#include "test/runtime/store/ScratchFolder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace attn_jit;
using namespace attn_jit::store;
using attn_jit::store::test::ScratchFolder;

/// What is wrong with a file, without its path; empty: it is believed.
static std::string faultOf(const std::string &path,
                           OwnedFolder::Rules rules = {100}) {
  auto read = readOwnedFile(path, rules);
  if (read)
    return {};
  const std::string &text = read.error().text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  return text.substr(text.find(": ") + 2);
}

TEST(OwnedFile, IsReadWhereNobodyElseWrites) {
  ScratchFolder folder;
  auto read = readOwnedFile(folder.write("keys", "text"), {100});
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, "text");
}

TEST(OwnedFile, AbsentIsToldFromBad) {
  ScratchFolder folder;
  for (const char *name : {"keys", "none/keys"}) {
    auto read = readOwnedFile(folder.at(name), {100});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, rt::ErrorCode::NotFound);
  }
  EXPECT_EQ(faultOf(folder.at("")), "is no name of a file");
}

TEST(OwnedFile, WritableByOthersIsRefused) {
  ScratchFolder folder;
  const std::string path = folder.write("keys", "text");
  for (mode_t mode : {0664, 0646, 0666}) {
    chmod(path.c_str(), mode);
    EXPECT_EQ(faultOf(path), "is writable by others: chmod go-w it") << mode;
  }
}

TEST(OwnedFile, SoIsOneInAFolderThatOthersWrite) {
  ScratchFolder folder;
  mkdir(folder.at("open").c_str(), 0700);
  mkdir(folder.at("open/inner").c_str(), 0700);
  const std::string path = folder.write("open/inner/keys", "text");
  chmod(folder.at("open").c_str(), 0777);
  auto read = readOwnedFile(path, {100});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().text,
            folder.at("open") + ": is writable by others: chmod go-w it");
  // Of a sticky folder each takes only what is his.
  chmod(folder.at("open").c_str(), 01777);
  EXPECT_EQ(faultOf(path), "");
}

TEST(OwnedFile, AnotherUsersIsRefused) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root gives files away";
  ScratchFolder folder;
  const std::string path = folder.write("keys", "text");
  ASSERT_EQ(chown(path.c_str(), 12345, 12345), 0);
  EXPECT_EQ(faultOf(path), "belongs to another user (uid 12345), not to this "
                           "one or to root");
  ASSERT_EQ(chown(path.c_str(), 0, 0), 0);
  ASSERT_EQ(chown(folder.path.c_str(), 12345, 12345), 0);
  EXPECT_EQ(faultOf(path), "belongs to another user (uid 12345), not to this "
                           "one or to root");
}

TEST(OwnedFile, ALinkIsNotTheFile) {
  ScratchFolder folder;
  folder.write("real", "text");
  ASSERT_EQ(symlink("real", folder.at("keys").c_str()), 0);
  EXPECT_EQ(faultOf(folder.at("keys")),
            "is a link, which is not followed here");
}

// A folder may be a link; then the folder that holds the link decides too.
TEST(OwnedFile, LinksOnThePathAreWalked) {
  ScratchFolder folder;
  mkdir(folder.at("real").c_str(), 0700);
  mkdir(folder.at("open").c_str(), 0700);
  folder.write("real/keys", "text");
  ASSERT_EQ(symlink("../real", folder.at("open/relative").c_str()), 0);
  ASSERT_EQ(
      symlink(folder.at("real").c_str(), folder.at("open/absolute").c_str()),
      0);
  EXPECT_EQ(faultOf(folder.at("open/relative/keys")), "");
  EXPECT_EQ(faultOf(folder.at("open/absolute/keys")), "");
  chmod(folder.at("open").c_str(), 0777);
  EXPECT_EQ(faultOf(folder.at("open/relative/keys")),
            "is writable by others: chmod go-w it");
  EXPECT_EQ(faultOf(folder.at("open/absolute/keys")),
            "is writable by others: chmod go-w it");
  ASSERT_EQ(symlink("loop", folder.at("loop").c_str()), 0);
  EXPECT_EQ(faultOf(folder.at("loop/keys")), "has too many links on its path");
  folder.write("plain", "");
  EXPECT_EQ(faultOf(folder.at("plain/keys")), "is no folder");
}

TEST(OwnedFile, OnlyRegularFilesAreRead) {
  ScratchFolder folder;
  ASSERT_EQ(mkfifo(folder.at("pipe").c_str(), 0600), 0);
  EXPECT_EQ(faultOf(folder.at("pipe")), "is no regular file");
  mkdir(folder.at("folder").c_str(), 0700);
  EXPECT_EQ(faultOf(folder.at("folder")), "is no regular file");
}

TEST(OwnedFile, SizesAreBounded) {
  ScratchFolder folder;
  EXPECT_EQ(faultOf(folder.write("fits", std::string(100, 'x'))), "");
  EXPECT_EQ(faultOf(folder.write("large", std::string(101, 'x'))),
            "is larger than 100 bytes");
}

TEST(OwnedFile, SecretsAreReadByNobodyElse) {
  ScratchFolder folder;
  const std::string path = folder.write("key", "text");
  EXPECT_EQ(faultOf(path, {100, /*secret=*/true}),
            "can be read by others: chmod 600 it");
  chmod(path.c_str(), 0600);
  EXPECT_EQ(faultOf(path, {100, /*secret=*/true}), "");
}

// A relative path is looked at from the root on as well.
TEST(OwnedFile, RelativePathsHideNoFolder) {
  ScratchFolder folder;
  mkdir(folder.at("open").c_str(), 0700);
  mkdir(folder.at("open/inner").c_str(), 0700);
  folder.write("open/inner/keys", "text");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.at("open/inner"));
  EXPECT_EQ(faultOf("keys"), "");
  chmod(folder.at("open").c_str(), 0777);
  EXPECT_EQ(faultOf("keys"), "is writable by others: chmod go-w it");
  std::filesystem::current_path(before);
}

TEST(OwnedFile, ReplacedKeepsItsModeAndLeavesNothing) {
  ScratchFolder folder;
  const std::string path = folder.write("keys", "old");
  chmod(path.c_str(), 0640);
  auto owned = OwnedFolder::of(path);
  ASSERT_TRUE(owned);
  ASSERT_TRUE(owned->replace("new"));
  EXPECT_EQ(folder.read("keys"), "new");
  struct stat known;
  ASSERT_EQ(stat(path.c_str(), &known), 0);
  EXPECT_EQ(known.st_mode & 0777, 0640u);
  EXPECT_EQ(folder.files(), 1);
}

TEST(OwnedFile, MadeOnceInFoldersOfItsOwn) {
  ScratchFolder folder;
  auto owned = OwnedFolder::of(folder.at("a/b/key"), /*create=*/true);
  ASSERT_TRUE(owned) << owned.error().text;
  ASSERT_TRUE(owned->make("first", 0600));
  const auto again = owned->make("second", 0600);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().text,
            folder.at("a/b/key") + ": exists already and is kept");
  EXPECT_EQ(folder.read("a/b/key"), "first");
  struct stat known;
  ASSERT_EQ(stat(folder.at("a/b").c_str(), &known), 0);
  EXPECT_EQ(known.st_mode & 0777, 0700u);
  EXPECT_EQ(
      std::distance(std::filesystem::directory_iterator(folder.at("a/b")), {}),
      1);
}

// Many editors, each of whom adds its byte to what it found.
TEST(OwnedFile, EditorsWaitForOneAnother) {
  ScratchFolder folder;
  const std::string path = folder.write("keys", "");
  std::vector<std::thread> editors;
  for (int i = 0; i < 8; ++i)
    editors.emplace_back([&] {
      for (int edit = 0; edit < 10; ++edit) {
        auto owned = OwnedFolder::of(path);
        owned->lock();
        auto text = owned->read({1000});
        EXPECT_TRUE(text && owned->replace(*text + "x"));
      }
    });
  for (std::thread &each : editors)
    each.join();
  EXPECT_EQ(folder.read("keys"), std::string(80, 'x'));
}
