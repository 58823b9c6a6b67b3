// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a HIP device is. Attributes keep their numbers between HIP versions, the
// properties structure does not; so attributes are asked wherever they exist.
#include "runtime/hip/HipDriver.h"

#include <algorithm>
#include <cstring>

using namespace attn_jit::rt;
using namespace attn_jit::rt::hip;

/// Dense f16 matrix and f32 vector operations a clock and CU; data transfers a
/// reported memory clock and pin, 0 where that is not known.
struct Throughput {
  const char *target;
  double f16, f32, transfers;
};
static constexpr Throughput throughputs[] = {
    {"gfx90a", 1024, 128, 2},
    {"gfx942", 2048, 256, 4},
    {"gfx950", 4096, 256, 0},
    {"gfx1100", 512, 256, 0},
};

/// "gfx942:sramecc+:xnack-"
static std::string archName(const Api &api, int device) {
  alignas(16) char properties[propertiesBytes] = {};
  size_t offset = archNameOffsetR0600;
  hipError_t error;
  if (api.hipGetDevicePropertiesR0600) {
    error = api.hipGetDevicePropertiesR0600(properties, device);
  } else {
    offset = archNameOffsetHip5;
    error = api.hipGetDeviceProperties(properties, device);
  }
  if (error)
    return "";
  properties[offset + 255] = 0;
  const std::string text = properties + offset;
  return text.rfind("gfx", 0) == 0 ? text : "";
}

DeviceInfo hip::describeDevice(const Api &api, int device) {
  auto attribute = [&](DeviceAttribute which) -> int64_t {
    int value = 0;
    return api.hipDeviceGetAttribute(&value, which, device) ? 0 : value;
  };
  DeviceInfo info;
  info.driver = "hip";
  info.index = device;
  char text[256] = {};
  if (!api.hipDeviceGetName(text, sizeof text - 1, device))
    info.name = text;
  std::memset(text, 0, sizeof text);
  if (!api.hipDeviceGetPCIBusId(text, sizeof text - 1, device))
    info.uuid = text;
  int version = 0;
  api.hipRuntimeGetVersion(&version);
  info.driverVersion = std::to_string(version / 10000000) + "." +
                       std::to_string(version / 100000 % 100) + "." +
                       std::to_string(version % 100000);
  info.images = {ImageKind::Hsaco};

  // The chip comes first, then its features, each after a colon.
  std::string arch = archName(api, device);
  size_t colon = arch.find(':');
  info.target = arch.empty() ? "unknown" : arch.substr(0, colon);
  while (colon != std::string::npos) {
    const size_t next = arch.find(':', colon + 1);
    info.features.push_back(arch.substr(colon + 1, next - colon - 1));
    colon = next;
  }

  info.computeUnits = attribute(MultiprocessorCount);
  info.clockMHz = attribute(ClockKHz) / 1000;
  info.memoryClockMHz = attribute(MemoryClockKHz) / 1000;
  info.memoryBusBits = attribute(MemoryBusBits);
  size_t total = 0;
  if (!api.hipDeviceTotalMem(&total, device))
    info.memoryBytes = static_cast<int64_t>(total);
  info.l2Bytes = attribute(L2Bytes);
  info.sharedBytesPerBlock = attribute(SharedPerBlock);
  info.sharedBytesPerUnit = attribute(SharedPerMultiprocessor);
  info.maxThreadsPerBlock = attribute(MaxThreadsPerBlock);
  info.maxThreadsPerUnit = attribute(MaxThreadsPerMultiprocessor);
  info.warpSize = attribute(WarpSize);
  const DeviceAttribute grid[3] = {MaxGridX, MaxGridY, MaxGridZ};
  for (int i = 0; i < 3; ++i)
    if (int64_t limit = attribute(grid[i]); limit > 0)
      info.maxGrid[i] = limit;

  for (const Throughput &each : throughputs) {
    if (info.target != each.target)
      continue;
    if (info.clockMHz) {
      const double clocks = double(info.computeUnits) * double(info.clockMHz);
      info.peakF16Tflops = clocks * each.f16 * 1e-6;
      info.peakF32Tflops = clocks * each.f32 * 1e-6;
    }
    if (each.transfers > 0 && info.memoryClockMHz)
      info.peakGBs = 1e-3 * each.transfers * double(info.memoryClockMHz) *
                     double(info.memoryBusBits) / 8;
  }
  return info;
}
