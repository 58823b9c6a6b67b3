// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values are the library's stable binary interface. It is never shut down: a
// process that has asked may ask again until it ends.
#include "runtime/cuda/Nvml.h"

using namespace attn_jit::rt;
using namespace attn_jit::rt::cuda;

static constexpr int kSuccess = 0, kClockSm = 1;
static constexpr unsigned long long kSoftwarePowerCap = 0x4,
                                    kSoftwareThermal = 0x20,
                                    kHardwareThermal = 0x40;

Result<Nvml> Nvml::open() {
  ATTN_TRY(Library library,
           Library::open("ATTN_JIT_NVML_LIBRARY", {"libnvidia-ml.so.1"}));
  Nvml nvml;
  int (*init)() = nullptr;
  // The newer name of the reasons first.
  if (!library.find("nvmlInit_v2", init) ||
      !library.find("nvmlDeviceGetHandleByUUID", nvml.getHandleByUuid) ||
      !library.find("nvmlDeviceGetClockInfo", nvml.getClock) ||
      (!library.find("nvmlDeviceGetCurrentClocksEventReasons",
                     nvml.getReasons) &&
       !library.find("nvmlDeviceGetCurrentClocksThrottleReasons",
                     nvml.getReasons)))
    return unsupported(library.name() + " is too old");
  if (const int error = init(); error != kSuccess)
    return failed("nvmlInit_v2: NVML error " + std::to_string(error));
  return nvml;
}

const Result<Nvml> &Nvml::get() {
  static const Result<Nvml> nvml = open();
  return nvml;
}

Nvml::Device Nvml::find(const std::string &uuid) const {
  Device device = nullptr;
  if (uuid.empty() || getHandleByUuid(uuid.c_str(), &device) != kSuccess)
    return nullptr;
  return device;
}

std::optional<ClockState> Nvml::clocks(Device device) const {
  unsigned mhz = 0;
  unsigned long long reasons = 0;
  if (!device || getClock(device, kClockSm, &mhz) != kSuccess ||
      getReasons(device, &reasons) != kSuccess)
    return std::nullopt;
  return ClockState{int64_t(mhz),
                    (reasons & (kSoftwareThermal | kHardwareThermal)) != 0,
                    (reasons & kSoftwarePowerCap) != 0};
}
