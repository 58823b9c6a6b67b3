// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Image and manifest are all that is needed: a program that knows nothing of
// ours launches them, and so does the runtime, with the same result.
#include "TestDevice.h"

#include <cmath>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

using namespace attn_jit::rt;
using namespace attn_jit::rt::test;

namespace {

/// The folder of this binary: its images and the stranger lie there.
std::string here(const std::string &file) {
  char path[4096] = {};
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  const std::string self(path, size_t(std::max<ssize_t>(length, 0)));
  return self.substr(0, self.rfind('/') + 1) + file;
}

class LaunchFromFiles : public testing::TestWithParam<const char *> {};

TEST_P(LaunchFromFiles, StrangersProgram) {
  const std::string manifest =
      here("images/attention." + std::string(GetParam()) + ".json");
  if (access(manifest.c_str(), R_OK))
    GTEST_SKIP() << "this build made no " << manifest;
  const bool amd = GetParam()[0] == 'g';
  bool present = !amd;
  for (const DriverReport &report : enumerateDrivers())
    for (const Device &device : report.devices)
      present |= device.info().target == GetParam();
  if (!present)
    GTEST_SKIP() << "no " << GetParam() << " here";
  for (const char *shape :
       {"", " 1 1 1 1 1", " 1 6 3 17 129", " 2 2 2 130 65"}) {
    const std::string command =
        here("LaunchFromFiles") + " " + manifest + shape;
    const int status = std::system(command.c_str());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
      GTEST_SKIP() << "no driver for " << GetParam();
    EXPECT_EQ(WEXITSTATUS(status), 0) << command;
  }
}

TEST_P(LaunchFromFiles, Runtime) {
  const std::string path =
      here("images/attention." + std::string(GetParam()) + ".json");
  if (access(path.c_str(), R_OK))
    GTEST_SKIP() << "this build made no " << path;
  KernelFiles files = must(readKernelFiles(path));
  Device device;
  for (const DriverReport &report : enumerateDrivers())
    for (const Device &each : report.devices)
      if (each.info().takes(files.manifest.imageKind) &&
          (files.manifest.target == each.info().target ||
           files.manifest.imageKind == ImageKind::Ptx))
        device = each;
  if (!device)
    GTEST_SKIP() << "no device takes " << GetParam();
  const PreparedKernel kernel =
      must(prepare(device, files.manifest, files.image, {files.imagePath}));
  std::cout << fingerprintJson(device.info()) << "\n"
            << "registers " << must(kernel.resources()).registers.value_or(-1)
            << "\n";

  // Equal keys: each row is the mean of the values it sees. 3 queries over 5
  // keys, aligned at the end, in a BSHD view with a gap between rows.
  const int64_t pitch = 72;
  Buffer q = must(device.allocate(3 * pitch * 4)),
         k = must(device.allocate(5 * pitch * 4)),
         v = must(device.allocate(5 * pitch * 4)),
         o = must(device.allocate(3 * pitch * 4)),
         lse = must(device.allocate(3 * 4));
  must(q.fill(0));
  must(k.fill(0));
  must(o.fill(0xffffffff));
  std::vector<float> values(5 * pitch);
  for (int64_t i = 0; i < 5 * pitch; ++i)
    values[size_t(i)] = float(i / pitch);
  must(v.copyFrom(values.data(), v.size()));
  AttentionArguments arguments;
  arguments.qLen = 3;
  arguments.kvLen = 5;
  arguments.q = {q.address(), 3 * pitch, 64, pitch};
  arguments.k = {k.address(), 5 * pitch, 64, pitch};
  arguments.v = {v.address(), 5 * pitch, 64, pitch};
  arguments.o = {o.address(), 3 * pitch, 64, pitch};
  arguments.lse = {lse.address(), 3, 3, 1};
  Stream stream = must(device.createStream());
  must(kernel.launch(arguments, stream));
  must(stream.synchronize());
  std::vector<float> out(3 * pitch), sums(3);
  must(o.copyTo(out.data(), o.size()));
  must(lse.copyTo(sums.data(), lse.size()));
  for (int64_t row = 0; row < 3; ++row) {
    const float keys = float(row + 3);
    EXPECT_NEAR(out[size_t(row * pitch)], (keys - 1) / 2, 1e-6);
    EXPECT_NEAR(out[size_t(row * pitch + 63)], (keys - 1) / 2, 1e-6);
    EXPECT_TRUE(std::isnan(out[size_t(row * pitch + 64)])) << "gap written";
    EXPECT_NEAR(sums[size_t(row)], std::log(keys), 1e-5);
  }
  // No LSE wanted.
  arguments.lse = {};
  must(kernel.launch(arguments, stream));
  must(stream.synchronize());
}

INSTANTIATE_TEST_SUITE_P(Images, LaunchFromFiles,
                         testing::Values("cpu", "ptx", "gfx90a", "gfx942",
                                         "gfx1100"),
                         [](const auto &info) {
                           return std::string(info.param);
                         });

TEST(LaunchFromFilesProgram, RefusesWhatItCanNotRead) {
  const std::string command = here("LaunchFromFiles") + " /nonexistent.json";
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 2);
}

} // namespace
