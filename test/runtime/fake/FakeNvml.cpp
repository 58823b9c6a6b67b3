// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A libnvidia-ml.so.1 of one GPU, whose state the environment says:
// FAKE_NVML_REASONS, a number. It wants to be initialised first.
#include <cstdlib>
#include <cstring>

static bool initialised = false;
static char gpu;

extern "C" {

int nvmlInit_v2() {
  initialised = true;
  return 0;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
  if (!initialised)
    return 1;
  if (std::strcmp(uuid, "GPU-fake") != 0)
    return 6; // not found
  *device = &gpu;
  return 0;
}

int nvmlDeviceGetClockInfo(void *device, int clock, unsigned *mhz) {
  if (device != &gpu || clock != 1)
    return 2;
  *mhz = 1755;
  return 0;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void *device,
                                              unsigned long long *reasons) {
  const char *said = std::getenv("FAKE_NVML_REASONS");
  if (device != &gpu || !said)
    return 3; // not supported
  *reasons = std::strtoull(said, nullptr, 0);
  return 0;
}
}
