// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A libamdhip64.so.6 without a GPU, as strict as FakeCuda: the device must be
// selected, arguments must come as one kernarg block.
#include "FakeKernels.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

using namespace attn_jit::rt::test;

namespace {

enum {
  ok = 0,
  invalidValue = 1,
  outOfMemory = 2,
  invalidHandle = 400,
  notFound = 500
};
constexpr size_t total = size_t(1) << 30;

struct Event {
  std::atomic<double> ms = -1;
};
struct Module {
  std::mutex mutex;
  std::map<std::string, std::string> functions;
};

thread_local int selected = 0;
std::atomic<size_t> used = 0;
std::mutex sizesMutex;
std::map<void *, size_t> sizes;

double now() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

} // namespace

#define API extern "C" __attribute__((visibility("default"))) int

API hipInit(unsigned) { return ok; }
API hipRuntimeGetVersion(int *version) { return *version = 60342134, ok; }
extern "C" __attribute__((visibility("default"))) const char *
hipGetErrorName(int error) {
  return error == outOfMemory ? "hipErrorOutOfMemory" : "hipErrorFake";
}
extern "C" __attribute__((visibility("default"))) const char *
hipGetErrorString(int) {
  return "fake";
}
API hipGetDeviceCount(int *count) { return *count = 1, ok; }
API hipDeviceGetName(char *name, int length, int) {
  return std::strncpy(name, "Fake MI300X", size_t(length)), ok;
}
API hipDeviceGetPCIBusId(char *id, int length, int) {
  return std::strncpy(id, "0000:01:00.0", size_t(length)), ok;
}
API hipDeviceGetAttribute(int *value, int attribute, int) {
  static const std::map<int, int> values = {
      {5, 2100000}, {19, 4 << 20}, {29, INT32_MAX}, {30, 65536},   {31, 65536},
      {56, 1024},   {57, 2048},    {59, 8192},      {60, 1300000}, {63, 304},
      {74, 65536},  {87, 64},      {10002, 65536}};
  auto found = values.find(attribute);
  return found == values.end() ? invalidValue : (*value = found->second, ok);
}
API hipDeviceTotalMem(size_t *bytes, int) { return *bytes = total, ok; }
API hipGetDeviceProperties(void *, int) { return invalidValue; }
API hipGetDevicePropertiesR0600(void *properties, int) {
  std::memset(properties, 0, 1472);
  return std::strcpy(static_cast<char *>(properties) + 1160,
                     "gfx942:sramecc+:xnack-"),
         ok;
}
API hipGetDevice(int *device) { return *device = selected, ok; }
API hipSetDevice(int device) { return selected = device, ok; }
API hipDeviceSynchronize() { return ok; }
API hipMemGetInfo(size_t *freeBytes, size_t *totalBytes) {
  return *freeBytes = total - used, *totalBytes = total, ok;
}
API hipMalloc(void **pointer, size_t bytes) {
  if (bytes > total - used)
    return outOfMemory;
  *pointer = std::aligned_alloc(512, (bytes + 511) / 512 * 512);
  used += bytes;
  std::lock_guard lock(sizesMutex);
  return sizes[*pointer] = bytes, ok;
}
API hipFree(void *pointer) {
  std::lock_guard lock(sizesMutex);
  used -= sizes[pointer];
  sizes.erase(pointer);
  return std::free(pointer), ok;
}
API hipMemsetD32Async(void *to, int value, size_t count, void *) {
  for (size_t i = 0; i < count; ++i)
    static_cast<int *>(to)[i] = value;
  return ok;
}
API hipMemcpyHtoDAsync(void *to, void *from, size_t bytes, void *) {
  return std::memcpy(to, from, bytes), ok;
}
API hipMemcpyDtoHAsync(void *to, void *from, size_t bytes, void *) {
  return std::memcpy(to, from, bytes), ok;
}
API hipStreamCreateWithFlags(void **stream, unsigned flags) {
  return flags == 1 ? (*stream = new int(0), ok) : invalidValue;
}
API hipStreamDestroy(void *stream) {
  return delete static_cast<int *>(stream), ok;
}
API hipStreamSynchronize(void *) { return ok; }
API hipStreamQuery(void *) { return ok; }
API hipStreamWaitEvent(void *, void *event, unsigned) {
  return event ? ok : invalidHandle;
}
API hipEventCreate(void **event) { return *event = new Event, ok; }
API hipEventDestroy(void *event) {
  return delete static_cast<Event *>(event), ok;
}
API hipEventRecord(void *event, void *) {
  return static_cast<Event *>(event)->ms = now(), ok;
}
API hipEventSynchronize(void *) { return ok; }
API hipEventQuery(void *) { return ok; }
API hipEventElapsedTime(float *ms, void *start, void *end) {
  const double from = static_cast<Event *>(start)->ms;
  const double to = static_cast<Event *>(end)->ms;
  if (from < 0 || to < 0)
    return invalidHandle;
  return *ms = float(to - from), ok;
}
API hipModuleLoadData(void **module, const void *image) {
  if (std::memcmp(image,
                  "\x7f"
                  "ELF",
                  4) != 0)
    return invalidValue;
  return *module = new Module, ok;
}
API hipModuleUnload(void *module) {
  return delete static_cast<Module *>(module), ok;
}
API hipModuleGetFunction(void **function, void *handle, const char *name) {
  if (!isFakeKernel(name))
    return notFound;
  auto *module = static_cast<Module *>(handle);
  std::lock_guard lock(module->mutex);
  return *function = &module->functions.try_emplace(name, name).first->second,
         ok;
}
API hipFuncGetAttribute(int *value, int attribute, void *) {
  return *value = attribute == 4 ? 64 : attribute == 0 ? 1024 : 0, ok;
}
API hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *,
                                                       int threads, size_t) {
  return *blocks = 2048 / threads, ok;
}
API hipModuleLaunchKernel(void *function, unsigned x, unsigned y, unsigned z,
                          unsigned, unsigned, unsigned, unsigned sharedBytes,
                          void *, void **arguments, void **extra) {
  if (arguments || !extra || extra[0] != reinterpret_cast<void *>(1) ||
      extra[2] != reinterpret_cast<void *>(2) ||
      extra[4] != reinterpret_cast<void *>(3))
    return invalidValue;
  const std::string &name = *static_cast<std::string *>(function);
  char *block = static_cast<char *>(extra[1]);
  // fill and grid3 are (pointer, 4 bytes, 4 bytes), the others pointers.
  void *pointers[3] = {block, block + 8, block + 12};
  const size_t needed = name == "set_flag" ? 8 : 16;
  if (*static_cast<size_t *>(extra[3]) != needed)
    return invalidValue;
  const unsigned grid[3] = {x, y, z};
  return runFakeKernel(name, grid, 1, sharedBytes, pointers), ok;
}
