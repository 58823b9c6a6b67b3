// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What others may have laid into a shared folder: links, pipes, half a file.
// None of it is followed, waited for or believed.
#include "runtime/store/remote/Remote.h"

#include "test/runtime/tensor/TemporaryFolder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
namespace fs = std::filesystem;

namespace {

class FolderRemote : public testing::Test {
protected:
  void SetUp() override {
    RemoteOptions options;
    options.url = "file://" + folder.path.string();
    options.prefix = "team/attn";
    remote = std::move(*openRemote(options));
  }
  rt::Result<std::optional<std::string>> get() {
    return remote->get(Space::Objects, name, Deadline::max());
  }
  rt::Status put() {
    return remote->put(Space::Objects, name, "bytes", Deadline::max());
  }
  std::vector<std::string> records() {
    return *remote->records(name, Deadline::max());
  }
  test::TemporaryFolder folder;
  std::unique_ptr<Remote> remote;
  const Digest name = sha256("bytes");
  fs::path below = folder.path / "team" / "attn";
  fs::path file = below / "objects" / name.hex().substr(0, 2) / name.hex();
};

TEST_F(FolderRemote, LaysOutAsTheLocalStore) {
  ASSERT_TRUE(put().ok());
  EXPECT_EQ(fs::file_size(file), 5u);
  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0444));
  EXPECT_TRUE(fs::is_empty(below / "tmp"));
}

TEST_F(FolderRemote, FoldersArePermittedAsTheGivenOne) {
  for (unsigned mode : {02770u, 0700u, 0775u}) {
    fs::remove_all(folder.path / "team");
    ASSERT_EQ(chmod(folder.path.c_str(), mode), 0);
    const mode_t kept = umask(077);
    const bool ok = put().ok();
    umask(kept);
    ASSERT_TRUE(ok);
    struct stat made;
    ASSERT_EQ(stat(file.parent_path().c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 02777, mode);
  }
}

TEST_F(FolderRemote, LinksAreNotFollowed) {
  ASSERT_TRUE(put().ok());
  fs::remove(file);
  folder.write("secret", "bytes");
  fs::create_symlink(folder.path / "secret", file);
  EXPECT_FALSE(get().ok());
  EXPECT_FALSE(*remote->exists(Space::Objects, name, Deadline::max()));
  // Written anew it is a file; what the link pointed to stays.
  fs::remove(file);
  fs::create_symlink(folder.path / "victim", file);
  ASSERT_TRUE(put().ok());
  EXPECT_FALSE(fs::exists(folder.path / "victim"));
  EXPECT_EQ(*get(), "bytes");
  // Nor are folders that are links.
  fs::remove_all(below / "objects");
  fs::create_symlink(folder.path, below / "objects");
  EXPECT_FALSE(get().ok());
  EXPECT_FALSE(put().ok());
}

TEST_F(FolderRemote, PipeIsNotWaitedFor) {
  ASSERT_TRUE(put().ok());
  fs::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0666), 0);
  const auto result = get();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, rt::ErrorCode::BadInput);
  EXPECT_NE(result.error().text.find("no plain file"), std::string::npos);
}

TEST_F(FolderRemote, WhatIsNotWholeIsWrittenAgain) {
  ASSERT_TRUE(put().ok());
  fs::remove(file);
  folder.write(
      "team/attn/objects/" + name.hex().substr(0, 2) + "/" + name.hex(), "byt");
  ASSERT_TRUE(put().ok());
  EXPECT_EQ(*get(), "bytes");
}

TEST_F(FolderRemote, SegmentCountsIfItHasItsDigest) {
  const std::string lines[] = {"one", "two"};
  ASSERT_TRUE(remote->addRecords(name, lines, Deadline::max()).ok());
  const fs::path records = below / "records" / name.hex();
  const std::string prefix = fs::relative(records, folder.path).string() + "/";
  folder.write(prefix + sha256("three\n").hex() + ".jsonl", "thr");
  folder.write(prefix + sha256("four\n").hex(), "four\n");
  folder.write(prefix + "notes.jsonl", "five\n");
  EXPECT_EQ(this->records(), (std::vector<std::string>{"one", "two"}));
  folder.write(prefix + sha256("three\n").hex() + ".jsonl", "three\n");
  EXPECT_EQ(this->records().size(), 3u);
}

TEST_F(FolderRemote, AddingWhatIsThereWritesNothing) {
  const std::string lines[] = {"one", "two"};
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(remote->addRecords(name, lines, Deadline::max()).ok());
  EXPECT_EQ(
      std::distance(fs::directory_iterator(below / "records" / name.hex()),
                    fs::directory_iterator()),
      1);
}

TEST_F(FolderRemote, FolderThatIsNotMountedIsNotMade) {
  RemoteOptions options;
  options.url = "file://" + folder.file("unmounted");
  auto other = std::move(*openRemote(options));
  const rt::Status status =
      other->put(Space::Objects, name, "bytes", Deadline::max());
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().text.find("it does not open"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder.path / "unmounted"));
}

TEST_F(FolderRemote, NameOfAnyBytesIsShownAsOneWord) {
  std::filesystem::create_directory(folder.path / "a\x1b[31m\xc3\xa9");
  RemoteOptions options;
  options.url = "file://" + folder.file("a\x1b[31m\xc3\xa9");
  auto other = std::move(*openRemote(options));
  EXPECT_EQ(other->url(), "file://" + folder.file("a?[31m??"));
  ASSERT_TRUE(other->put(Space::Objects, name, "bytes", Deadline::max()).ok());
  EXPECT_EQ(**other->get(Space::Objects, name, Deadline::max()), "bytes");
}

TEST_F(FolderRemote, OldTemporaryFilesAreSwept) {
  ASSERT_TRUE(put().ok());
  folder.write("team/attn/tmp/old", "");
  folder.write("team/attn/tmp/new", "");
  fs::last_write_time(below / "tmp" / "old", fs::file_time_type::clock::now() -
                                                 std::chrono::hours(49));
  SetUp(); // another process
  fs::remove(file);
  ASSERT_TRUE(put().ok());
  EXPECT_FALSE(fs::exists(below / "tmp" / "old"));
  EXPECT_TRUE(fs::exists(below / "tmp" / "new"));
}

} // namespace
