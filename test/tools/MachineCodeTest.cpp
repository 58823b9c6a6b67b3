// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Machine code of PTX on this host's disk, by an assembler that is a script.
#include "tools/api/MachineCode.h"
#include "runtime/File.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

using namespace attn_jit;
using namespace attn_jit::api;
namespace fs = std::filesystem;

namespace {
class MachineCodeTest : public ::testing::Test {
protected:
  void SetUp() override {
    folder = ::testing::TempDir() + "machine-code-XXXXXX";
    ASSERT_TRUE(mkdtemp(folder.data()));
    root.path = folder + "/cache";
    ASSERT_EQ(mkdir(root.path.c_str(), 0700), 0);
    device.driver = "cuda", device.target = "sm_90a";
    device.driverVersion = "13.0 (580.65.06)";
    device.images = {rt::ImageKind::Ptx, rt::ImageKind::Cubin};
    ptx.kind = rt::ImageKind::Ptx, ptx.target = "sm_90a";
    ptx.image = ".version 8.0";
  }
  void TearDown() override { fs::remove_all(folder); }

  /// It counts its runs, and makes "code of" its source.
  std::string ptxas(const std::string &release, const std::string &more = "") {
    const std::string file = folder + "/ptxas-" + release;
    const std::string text = "#!/bin/sh\n"
                             "[ \"$1\" = --version ] && echo release " +
                             release +
                             ", && exit\n"
                             "echo run >> " +
                             folder + "/runs\n" + more +
                             "\n"
                             "out=$4; { printf 'code of '; cat $5; } > $out\n";
    EXPECT_TRUE(rt::writeFile(file, text));
    EXPECT_EQ(chmod(file.c_str(), 0755), 0);
    return file;
  }
  int64_t runs() const {
    std::error_code none;
    const auto size = fs::file_size(folder + "/runs", none);
    return none ? 0 : int64_t(size) / 4;
  }

  std::string folder;
  store::CacheRoot root;
  rt::DeviceInfo device;
  Compiled ptx;
};
constexpr std::chrono::seconds kSoon{10};
} // namespace

TEST_F(MachineCodeTest, IsMadeOnceAndFound) {
  const std::string tool = ptxas("13.0");
  for (int process = 0; process < 2; ++process) {
    MachineCode code(store::LocalStore(root), tool);
    EXPECT_EQ(code.find(ptx, device).has_value(), process == 1);
    code.assembleLater(ptx, device);
    code.assembleLater(ptx, device);
    ASSERT_TRUE(code.wait(kSoon));
    EXPECT_EQ(code.find(ptx, device), "code of .version 8.0");
  }
  EXPECT_EQ(runs(), 1);
}

TEST_F(MachineCodeTest, IsOfOneDriverChipAndPtx) {
  MachineCode code(store::LocalStore(root), ptxas("13.0"));
  code.assembleLater(ptx, device);
  ASSERT_TRUE(code.wait(kSoon));
  ASSERT_TRUE(code.find(ptx, device));
  rt::DeviceInfo newer = device;
  newer.driverVersion = "13.0 (580.95.05)";
  EXPECT_FALSE(code.find(ptx, newer));
  Compiled other = ptx;
  other.image += "\n";
  EXPECT_FALSE(code.find(other, device));
  // What a later chip takes too is its driver's to assemble.
  other = ptx;
  other.target = "sm_80";
  code.assembleLater(other, device);
  ASSERT_TRUE(code.wait(kSoon));
  EXPECT_EQ(runs(), 1);
}

TEST_F(MachineCodeTest, AnotherReleaseOfTheAssemblerMakesNone) {
  MachineCode code(store::LocalStore(root), ptxas("12.8"));
  code.assembleLater(ptx, device);
  ASSERT_TRUE(code.wait(kSoon));
  EXPECT_EQ(runs(), 0);
  EXPECT_FALSE(code.find(ptx, device));
}

TEST_F(MachineCodeTest, AFaultLeavesNothing) {
  MachineCode code(store::LocalStore(root), ptxas("13.0", "exit 1"));
  code.assembleLater(ptx, device);
  ASSERT_TRUE(code.wait(kSoon));
  EXPECT_EQ(runs(), 1);
  EXPECT_FALSE(code.find(ptx, device));
}

TEST_F(MachineCodeTest, TheEndWaitsForNoAssembler) {
  const auto start = std::chrono::steady_clock::now();
  {
    MachineCode code(store::LocalStore(root), ptxas("13.0", "exec sleep 60"));
    code.assembleLater(ptx, device);
    while (runs() == 0 && std::chrono::steady_clock::now() - start < kSoon)
      ;
    ASSERT_EQ(runs(), 1);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, kSoon);
}

TEST_F(MachineCodeTest, AFlippedBitIsAMiss) {
  MachineCode code(store::LocalStore(root), ptxas("13.0"));
  code.assembleLater(ptx, device);
  ASSERT_TRUE(code.wait(kSoon));
  for (const auto &each :
       fs::recursive_directory_iterator(root.path + "/v1/objects"))
    if (each.is_regular_file()) {
      fs::permissions(each.path(), fs::perms::owner_all);
      std::fstream file(each.path(),
                        std::ios::in | std::ios::out | std::ios::binary);
      file.seekg(int64_t(fs::file_size(each.path())) / 2);
      const char bit = char(file.get() ^ 1);
      file.seekp(-1, std::ios::cur);
      file.put(bit);
      ASSERT_TRUE(file.good());
    }
  EXPECT_FALSE(code.find(ptx, device));
}
