// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The conformance suite over the CUDA and HIP drivers' own code, on vendor
// libraries that the tests bring: no GPU says anything here.
#include "TestDevice.h"

#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// Runs this binary's suite for one driver in a process of its own, since a
/// vendor library is opened once.
void conform(const std::string &variable, const std::string &library,
             const std::string &driver) {
  char path[4096] = {};
  ASSERT_GT(readlink("/proc/self/exe", path, sizeof path - 1), 0);
  const std::string self = path;
  const std::string folder = self.substr(0, self.rfind('/') + 1);
  const std::string file = folder + "images/" + library;
  if (access(file.c_str(), R_OK))
    GTEST_SKIP() << "this build made no " << file;
  // A runner that shards this test must not shard what it starts.
  const std::string command = "env -u GTEST_TOTAL_SHARDS -u GTEST_SHARD_INDEX "
                              "-u GTEST_OUTPUT " +
                              variable + "=" + file + " " + self +
                              " --gtest_brief=1 --gtest_filter='"
                              "*DriverConformance.*/" +
                              driver + "' 2>&1";
  FILE *pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  char part[4096];
  while (size_t count = fread(part, 1, sizeof part, pipe))
    output.append(part, count);
  const int status = pclose(pipe);
  EXPECT_EQ(WEXITSTATUS(status), 0) << output;
  EXPECT_NE(output.find("[  PASSED  ] 2"), std::string::npos)
      << "not the 20 and more tests of the suite ran:\n"
      << output;
}

TEST(FakeVendor, CudaConforms) {
  conform("ATTN_JIT_CUDA_LIBRARY", "FakeCuda.so", "cuda");
}
TEST(FakeVendor, HipConforms) {
  conform("ATTN_JIT_HIP_LIBRARY", "FakeHip.so", "hip");
}

} // namespace
