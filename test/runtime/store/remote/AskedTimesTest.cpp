// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Who has asked when is read by all processes of a store, and nobody depends on
// it: a file that is absent, short or another's is none.
#include "runtime/store/remote/AskedTimes.h"

#include "test/runtime/tensor/TemporaryFolder.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

using namespace attn_jit::store;
using namespace std::chrono_literals;

namespace {

class AskedTimesTest : public testing::Test {
protected:
  attn_jit::test::TemporaryFolder folder;
  const std::string path = (folder.path / "v1" / "asked").string();
  const Digest one = sha256("one"), other = sha256("other");
};

TEST_F(AskedTimesTest, AreReadByOthers) {
  const AskedTimes times(path, "redis://cache");
  EXPECT_FALSE(times.askedWithin(one, 1h));
  times.asked(one);
  EXPECT_TRUE(AskedTimes(path, "redis://cache").askedWithin(one, 1h));
  EXPECT_FALSE(times.askedWithin(one, 0s));
  EXPECT_FALSE(times.askedWithin(other, 1h));
  EXPECT_FALSE(AskedTimes(path, "file:///share").askedWithin(one, 1h));
  EXPECT_FALSE(AskedTimes("", "redis://cache").askedWithin(one, 1h));
}

TEST_F(AskedTimesTest, FileOfManyProblemsDoesNotGrow) {
  const AskedTimes times(path, "redis://cache");
  int known = 0;
  for (int i = 0; i < 6000; ++i)
    times.asked(sha256(std::to_string(i)));
  for (int i = 0; i < 6000; ++i)
    known += times.askedWithin(sha256(std::to_string(i)), 1h);
  EXPECT_LE(std::filesystem::file_size(path), 4096u * 16);
  EXPECT_GT(known, 2000);
  EXPECT_LE(known, 4096);
}

TEST_F(AskedTimesTest, WhatIsDamagedSaysNothing) {
  const AskedTimes times(path, "redis://cache");
  times.asked(one);
  std::filesystem::resize_file(path, 3);
  EXPECT_FALSE(times.askedWithin(one, 1h));
  std::ofstream(path) << std::string(4096 * 16, '\xff'); // a time to come
  EXPECT_FALSE(times.askedWithin(one, 1h));
  times.asked(one);
  EXPECT_TRUE(times.askedWithin(one, 1h));
}

} // namespace
