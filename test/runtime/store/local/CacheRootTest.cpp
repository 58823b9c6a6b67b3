// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which folder is the store's, and in one sentence why there is none.
#include "test/runtime/store/local/StoreSample.h"

#include <sys/mount.h>
#include <sys/stat.h>

using namespace attn_jit::store;
using namespace attn_jit::store::test;
namespace fs = std::filesystem;

namespace {

constexpr uid_t stranger = 65534;

class CacheRootTest : public testing::Test {
protected:
  CacheRootTest() {
    here = fs::canonical(folder.path).string();
    for (const char *name : {"ATTN_JIT_CACHE", "XDG_CACHE_HOME", "HOME"})
      unsetenv(name);
  }
  static void set(const char *name, const std::string &value) {
    setenv(name, value.c_str(), 1);
  }
  static mode_t modeOf(const std::string &path) {
    struct stat known;
    return stat(path.c_str(), &known) == 0 ? known.st_mode & 07777 : 0;
  }
  static std::string why(const std::string &path) {
    const CacheRoot root = checkCacheRoot(path);
    EXPECT_FALSE(root) << root.path;
    return root.absent;
  }
  attn_jit::test::TemporaryFolder folder;
  std::string here;
};

TEST_F(CacheRootTest, IsNamedByTheEnvironment) {
  set("HOME", here);
  EXPECT_EQ(findCacheRoot().path, here + "/.cache/attn-jit");
  set("XDG_CACHE_HOME", here + "/xdg");
  EXPECT_EQ(findCacheRoot().path, here + "/xdg/attn-jit");
  set("ATTN_JIT_CACHE", here + "/own//cache/.");
  const CacheRoot root = findCacheRoot();
  EXPECT_EQ(root.path, here + "/own/cache");
  EXPECT_FALSE(root.readOnly);
  EXPECT_EQ(modeOf(root.path), 0700u);
  EXPECT_EQ(modeOf(here + "/own"), 0700u);
  set("ATTN_JIT_CACHE", ""); // as if it were not there
  set("XDG_CACHE_HOME", "relative");
  EXPECT_EQ(findCacheRoot().path, here + "/.cache/attn-jit");
}

TEST_F(CacheRootTest, NoHomeIsNoStore) {
  EXPECT_EQ(findCacheRoot().absent,
            "none of ATTN_JIT_CACHE, XDG_CACHE_HOME and HOME names a folder");
  set("HOME", here + "/none");
  EXPECT_EQ(findCacheRoot().absent,
            "HOME is " + here + "/none, which is not there");
  EXPECT_FALSE(fs::exists(here + "/none"));
  set("ATTN_JIT_CACHE", "cache");
  EXPECT_EQ(findCacheRoot().absent,
            "ATTN_JIT_CACHE: \"cache\" is no absolute path");
}

TEST_F(CacheRootTest, OffIsNoStoreAndNoNotice) {
  set("HOME", here);
  set("ATTN_JIT_CACHE", "off");
  const CacheRoot root = findCacheRoot();
  EXPECT_FALSE(root);
  EXPECT_TRUE(root.off);
  EXPECT_EQ(root.absent, "ATTN_JIT_CACHE is off");
  EXPECT_FALSE(noticeOnce(root));
  EXPECT_FALSE(fs::exists(here + "/.cache")) << "and nothing is made";
}

TEST_F(CacheRootTest, IsNeverTmp) {
  EXPECT_NE(why("/tmp"), "");
  EXPECT_EQ(modeOf("/tmp") & 01777, 01777u) << "left as it was";
  chmod(here.c_str(), 01777);
  set("HOME", here);
  EXPECT_EQ(findCacheRoot().absent,
            "HOME is " + here + ", to which everybody may write");
  set("XDG_CACHE_HOME", here);
  EXPECT_EQ(findCacheRoot().absent,
            "XDG_CACHE_HOME is " + here + ", to which everybody may write");
}

TEST_F(CacheRootTest, WhatOthersMayWriteIsRefused) {
  fs::create_directory(here + "/shared");
  for (const mode_t mode : {0770, 0707, 01777}) {
    chmod((here + "/shared").c_str(), mode);
    EXPECT_NE(why(here + "/shared")
                  .find("others may write to " + here + "/shared (mode "),
              std::string::npos);
  }
  // Above it too, unless only owners can take names away there.
  EXPECT_TRUE(checkCacheRoot(here + "/shared/cache"));
  chmod((here + "/shared").c_str(), 0770);
  EXPECT_EQ(why(here + "/shared/cache"),
            "others may write to " + here + "/shared (mode 0770)");
  EXPECT_EQ(why(here + "/shared/new/cache"),
            "others may write to " + here + "/shared (mode 0770)");
  EXPECT_FALSE(fs::exists(here + "/shared/new"));
}

// Read by others until now, written by none: it is ours, and made private.
TEST_F(CacheRootTest, IsMadePrivate) {
  fs::create_directory(here + "/cache");
  chmod((here + "/cache").c_str(), 0755);
  EXPECT_TRUE(checkCacheRoot(here + "/cache"));
  EXPECT_EQ(modeOf(here + "/cache"), 0700u);
}

TEST_F(CacheRootTest, LinksAreFollowedOnce) {
  fs::create_directory(here + "/real");
  fs::create_symlink("real", here + "/link");
  EXPECT_EQ(checkCacheRoot(here + "/link/a/b").path, here + "/real/a/b");
  fs::create_symlink("nowhere", here + "/dangling");
  EXPECT_EQ(why(here + "/dangling/a"),
            "the link " + here + "/dangling leads nowhere");
  EXPECT_EQ(why(here + "/none/../a"),
            here + "/none/../a goes back from a folder that is not there");
}

TEST_F(CacheRootTest, IsMadeByManyProcessesAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 16; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      int missed = 0;
      for (int j = 0; j < 100; ++j)
        missed += !checkCacheRoot(here + "/" + std::to_string(j) + "/a/b");
      _exit(missed);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
}

TEST_F(CacheRootTest, FilesAreNoFolders) {
  folder.write("file", "x");
  EXPECT_EQ(why(here + "/file"), here + "/file is no folder");
  EXPECT_NE(why(here + "/file/cache").find("Not a directory"),
            std::string::npos);
}

TEST_F(CacheRootTest, ForeignFoldersAreRefused) {
  if (geteuid() != 0)
    GTEST_SKIP() << "needs root, to give a folder away";
  fs::create_directories(here + "/theirs/ours");
  ASSERT_EQ(chown((here + "/theirs").c_str(), stranger, stranger), 0);
  EXPECT_EQ(why(here + "/theirs"), here + "/theirs belongs to user 65534 and "
                                          "not to this one (0)");
  EXPECT_EQ(why(here + "/theirs/ours"),
            here + "/theirs belongs to user 65534, neither to this one (0) nor "
                   "to root");
  fs::create_directory(here + "/real");
  fs::create_symlink("real", here + "/link");
  ASSERT_EQ(lchown((here + "/link").c_str(), stranger, stranger), 0);
  EXPECT_EQ(why(here + "/link/a"),
            "the link " + here + "/link belongs to user 65534");
}

// Below folders of root, in one of its own; what root keeps private is none.
TEST_F(CacheRootTest, UnprivilegedUsers) {
  if (geteuid() != 0)
    GTEST_SKIP() << "needs root, to become another user";
  // The test runner's own folder lets nobody else through.
  setenv("TMPDIR", "/tmp", 1);
  const attn_jit::test::TemporaryFolder passable;
  const std::string here = fs::canonical(passable.path).string();
  chmod(here.c_str(), 0755);
  fs::create_directory(here + "/home");
  ASSERT_EQ(chown((here + "/home").c_str(), stranger, stranger), 0);
  fs::create_directory(here + "/private");
  chmod((here + "/private").c_str(), 0700);
  EXPECT_EQ(inChild([&] {
              if (setgid(stranger) != 0 || setuid(stranger) != 0)
                return 1;
              LocalStore store(checkCacheRoot(here + "/home/cache"));
              const Entry entry = sampleEntry(1);
              if (!store.root() || !store.publish(entry.action, entry.object) ||
                  !store.find(entry.action.key.digest()).entry)
                return 2;
              if (checkCacheRoot(here + "/made").absent !=
                  here + "/made cannot be made: Permission denied")
                return 3;
              if (checkCacheRoot(here + "/private").absent !=
                  here + "/private belongs to user 0 and not to this one "
                         "(65534)")
                return 4;
              LocalStore none(checkCacheRoot(here + "/private/cache"));
              if (none.root() || none.find(entry.action.key.digest()).entry ||
                  none.publish(entry.action, entry.object))
                return 5;
              return 0;
            }),
            0);
}

TEST_F(CacheRootTest, TellsSharedFileSystems) {
  // Of linux/magic.h, and those that other projects list.
  for (const unsigned long type :
       {0x6969ul, 0x0bd00bd0ul, 0x47504653ul, 0xff534d42ul, 0x517bul,
        0xfe534d42ul, 0x65735546ul})
    EXPECT_TRUE(isSharedFileSystem(type)) << type;
  for (const unsigned long type :
       {0xef53ul /* ext */, 0x01021994ul /* tmpfs */, 0x9123683eul /* btrfs */,
        0x794c7630ul /* overlay */, 0x58465342ul /* xfs */})
    EXPECT_FALSE(isSharedFileSystem(type)) << type;
  // Sign extension of a type that is kept in 32 bits.
  EXPECT_TRUE(isSharedFileSystem((unsigned long)(long)(int)0xff534d42));
}

TEST_F(CacheRootTest, IsMissedAloudOnce) {
  const CacheRoot none = findCacheRoot(), good = checkCacheRoot(here + "/a");
  EXPECT_FALSE(noticeOnce(good));
  EXPECT_EQ(noticeOnce(none), "kernels are not kept: " + none.absent);
  EXPECT_FALSE(noticeOnce(none));
}

} // namespace
