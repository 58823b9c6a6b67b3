// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Clocks and their reasons from a library that the test brings, and what is
// known without one: nothing.
#include "runtime/cuda/Nvml.h"
#include "runtime/Driver.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace attn_jit::rt;
using cuda::Nvml;

static Result<Nvml> openFake() {
  char path[4096] = {};
  if (readlink("/proc/self/exe", path, sizeof path - 1) <= 0)
    return notFound("self");
  const std::string self = path;
  const std::string file =
      self.substr(0, self.rfind('/') + 1) + "images/FakeNvml.so";
  setenv("ATTN_JIT_NVML_LIBRARY", file.c_str(), 1);
  auto opened = Nvml::open();
  unsetenv("ATTN_JIT_NVML_LIBRARY");
  return opened;
}

static std::optional<ClockState> stateFor(const Nvml &nvml,
                                          const char *reasons) {
  setenv("FAKE_NVML_REASONS", reasons, 1);
  return nvml.clocks(nvml.find("GPU-fake"));
}

TEST(Nvml, TellsClocksAndWhyTheyAreNoHigher) {
  const auto nvml = openFake();
  ASSERT_TRUE(nvml.ok()) << nvml.error().text;
  // Idle, application clocks and the like say nothing of a measurement.
  auto state = stateFor(*nvml, "0x103");
  ASSERT_TRUE(state);
  EXPECT_EQ(state->clockMHz, 1755);
  EXPECT_FALSE(state->thermalSlowdown);
  EXPECT_FALSE(state->powerCap);
  state = stateFor(*nvml, "0x4");
  EXPECT_TRUE(state && state->powerCap && !state->thermalSlowdown);
  for (const char *hot : {"0x20", "0x40", "0x65"}) {
    state = stateFor(*nvml, hot);
    EXPECT_TRUE(state && state->thermalSlowdown) << hot;
  }
}

TEST(Nvml, IsSilentWhereItDoesNotKnow) {
  const auto nvml = openFake();
  ASSERT_TRUE(nvml.ok()) << nvml.error().text;
  EXPECT_FALSE(nvml->find("GPU-other"));
  EXPECT_FALSE(nvml->find(""));
  EXPECT_FALSE(nvml->clocks(nullptr));
  unsetenv("FAKE_NVML_REASONS");
  EXPECT_FALSE(nvml->clocks(nvml->find("GPU-fake")));
  setenv("ATTN_JIT_NVML_LIBRARY", "/nonexistent/libnvidia-ml.so", 1);
  EXPECT_FALSE(Nvml::open().ok());
  unsetenv("ATTN_JIT_NVML_LIBRARY");
}

TEST(Nvml, ACpuTellsNoClocks) {
  const auto cpu = openDevice("cpu");
  ASSERT_TRUE(cpu.ok());
  EXPECT_FALSE(cpu->has(Capability::Clocks));
  EXPECT_FALSE(cpu->clocks());
}
