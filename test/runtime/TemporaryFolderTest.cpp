// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A temporary folder is this user's alone and goes with its object.
#include "runtime/TemporaryFolder.h"
#include "TestDevice.h"
#include "tensor/TemporaryFolder.h"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
namespace fs = std::filesystem;

namespace {

TEST(TemporaryFolders, GoWithWhatIsInThem) {
  const test::TemporaryFolder around;
  {
    auto made = rt::TemporaryFolder::make("stem-", around.file(""));
    ASSERT_TRUE(made);
    const rt::TemporaryFolder folder = std::move(*made);
    EXPECT_TRUE(
        fs::path(folder.path()).filename().string().starts_with("stem-"));
    struct stat known;
    ASSERT_EQ(stat(folder.path().c_str(), &known), 0);
    EXPECT_EQ(known.st_mode & 07777, 0700u);
    std::ofstream(folder.file("inside")) << "x";
    EXPECT_EQ(around.count(), 1u);
  }
  EXPECT_EQ(around.count(), 0u);
}

TEST(TemporaryFolders, StayWhereTheyAreKept) {
  const test::TemporaryFolder around;
  rt::TemporaryFolder::make("a", around.file(""))->keep();
  EXPECT_EQ(around.count(), 1u);
}

TEST(TemporaryFolders, SayWhyThereIsNone) {
  const test::TemporaryFolder around;
  const auto made = rt::TemporaryFolder::make("a", around.file("none"));
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().text.ends_with("/none': No such file or directory"))
      << made.error().text;
  const char *set = getenv("TMPDIR");
  const std::string before = set ? set : "";
  setenv("TMPDIR", "/none", 1);
  const auto nowhere = rt::TemporaryFolder::make("a");
  before.empty() ? unsetenv("TMPDIR") : setenv("TMPDIR", before.c_str(), 1);
  ASSERT_FALSE(nowhere);
  EXPECT_TRUE(nowhere.error().text.starts_with(
      "temporary folder: what TMPDIR names is none: "))
      << nowhere.error().text;
}

} // namespace
