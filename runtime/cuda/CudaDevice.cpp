// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a CUDA device is: read from attributes, so no context is created.
#include "runtime/cuda/CudaDriver.h"

#include <cstdio>
#include <fstream>

using namespace attn_jit::rt;
using namespace attn_jit::rt::cuda;

/// Dense f16 matrix and f32 vector operations a clock and SM, and the clock of
/// the vendor's published peak where the reported one is only reached idle.
struct Throughput {
  int major, minor;
  double f16, f32, publishedMHz;
};
static constexpr Throughput throughputs[] = {
    {8, 0, 2048, 128, 1410},
    {9, 0, 4096, 256, 1830},
    {10, 0, 8192, 256, 1850},
};

/// "13.0 (580.65.06)": the API's version and the kernel module's.
static std::string driverVersion(const Api &api) {
  int version = 0;
  api.cuDriverGetVersion(&version);
  std::string text = std::to_string(version / 1000) + "." +
                     std::to_string(version % 1000 / 10);
  std::ifstream module("/sys/module/nvidia/version");
  if (std::string line; std::getline(module, line) && !line.empty())
    text += " (" + line + ")";
  return text;
}

static std::string uuidText(const Api &api, CUdevice device) {
  unsigned char bytes[16] = {};
  if (api.cuDeviceGetUuid(bytes, device))
    return "";
  std::string text = "GPU-";
  for (int i = 0; i < 16; ++i) {
    char hex[4];
    std::snprintf(hex, sizeof hex, "%02x", bytes[i]);
    text += hex;
    if (i == 3 || i == 5 || i == 7 || i == 9)
      text += '-';
  }
  return text;
}

DeviceInfo cuda::describeDevice(const Api &api, CUdevice device, int index) {
  auto attribute = [&](DeviceAttribute which) -> int64_t {
    int value = 0;
    return api.cuDeviceGetAttribute(&value, which, device) ? 0 : value;
  };
  DeviceInfo info;
  info.driver = "cuda";
  info.index = index;
  char name[256] = {};
  if (!api.cuDeviceGetName(name, sizeof name - 1, device))
    info.name = name;
  info.driverVersion = driverVersion(api);
  info.uuid = uuidText(api, device);
  info.images = {ImageKind::Ptx, ImageKind::Cubin};

  const int64_t major = attribute(CapabilityMajor);
  const int64_t minor = attribute(CapabilityMinor);
  // From 9.0 on, the instructions that attention needs are in the "a" set.
  info.target = "sm_" + std::to_string(major) + std::to_string(minor) +
                (major >= 9 ? "a" : "");
  info.computeUnits = attribute(MultiprocessorCount);
  info.clockMHz = attribute(ClockKHz) / 1000;
  info.memoryClockMHz = attribute(MemoryClockKHz) / 1000;
  info.memoryBusBits = attribute(MemoryBusBits);
  size_t total = 0;
  if (!api.cuDeviceTotalMem_v2(&total, device))
    info.memoryBytes = static_cast<int64_t>(total);
  info.l2Bytes = attribute(L2Bytes);
  info.sharedBytesPerBlock = attribute(SharedPerBlockOptin);
  info.sharedBytesPerUnit = attribute(SharedPerMultiprocessor);
  info.registersPerUnit = attribute(RegistersPerMultiprocessor);
  info.maxThreadsPerBlock = attribute(MaxThreadsPerBlock);
  info.maxThreadsPerUnit = attribute(MaxThreadsPerMultiprocessor);
  info.warpSize = attribute(WarpSize);
  info.maxGrid = {INT32_MAX, 65535, 65535};

  // Double data rate: two transfers a clock and pin.
  if (info.memoryClockMHz && info.memoryBusBits)
    info.peakGBs =
        2e-3 * double(info.memoryClockMHz) * double(info.memoryBusBits) / 8;
  for (const Throughput &each : throughputs)
    if (each.major == major && each.minor == minor && info.clockMHz) {
      double clocks = double(info.computeUnits) *
                      std::min(double(info.clockMHz), each.publishedMHz);
      info.peakF16Tflops = clocks * each.f16 * 1e-6;
      info.peakF32Tflops = clocks * each.f32 * 1e-6;
    }
  return info;
}
