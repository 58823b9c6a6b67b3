// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A libcuda.so.1 without a GPU: host memory, synchronous streams, and strict
// about what a caller must do first (a current context, shared memory opted in
// to). Where cuda.h is on the machine the definitions are checked against it.
#include "FakeKernels.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#if __has_include(<cuda.h>)
#include <cuda.h>
#undef cuDeviceGetUuid
#undef cuEventElapsedTime
#else
using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = void *;
using CUstream = void *;
using CUevent = void *;
using CUmodule = void *;
using CUfunction = void *;
using CUdevice_attribute = int;
using CUfunction_attribute = int;
using CUjit_option = int;
using CUtensorMap = unsigned char;
using CUuuid = char[16];
using cuuint32_t = unsigned;
using cuuint64_t = unsigned long long;
using CUtensorMapDataType = int;
using CUtensorMapInterleave = int;
using CUtensorMapSwizzle = int;
using CUtensorMapL2promotion = int;
using CUtensorMapFloatOOBfill = int;
struct CUlaunchAttribute {
  int id, pad;
  union {
    char bytes[64];
    struct {
      unsigned x, y, z;
    } clusterDim;
  } value;
};
struct CUlaunchConfig {
  unsigned gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ;
  unsigned sharedMemBytes;
  CUstream hStream;
  CUlaunchAttribute *attrs;
  unsigned numAttrs;
};
#endif

using namespace attn_jit::rt::test;

namespace {

constexpr CUresult ok = CUresult(0), invalidValue = CUresult(1),
                   outOfMemory = CUresult(2), invalidContext = CUresult(201),
                   invalidPtx = CUresult(218), invalidHandle = CUresult(400),
                   notFound = CUresult(500);
constexpr size_t total = size_t(1) << 30;
constexpr int sharedLimit = 232448;

struct Function {
  std::string name;
  std::atomic<int> dynamicShared = 48 * 1024;
};
struct Module {
  std::mutex mutex;
  std::map<std::string, Function> functions;
};
struct Event {
  std::atomic<double> ms = -1;
};

int contextStorage;
CUcontext const theContext = reinterpret_cast<CUcontext>(&contextStorage);
thread_local std::vector<CUcontext> *stack;
std::atomic<size_t> used = 0, allocations = 0, launches = 0, clustered = 0;
std::mutex sizesMutex;
std::map<CUdeviceptr, size_t> sizes;

bool current() { return stack && !stack->empty(); }
double now() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

CUresult launch(CUfunction handle, const unsigned *grid, unsigned cluster,
                unsigned sharedBytes, void **arguments) {
  if (!current())
    return invalidContext;
  auto *function = reinterpret_cast<Function *>(handle);
  if (int(sharedBytes) > function->dynamicShared || grid[0] % cluster)
    return invalidValue;
  runFakeKernel(function->name, grid, cluster, sharedBytes, arguments);
  ++launches;
  return ok;
}

} // namespace

#define API extern "C" __attribute__((visibility("default"))) CUresult
#define NEEDS_CONTEXT()                                                        \
  if (!current())                                                              \
  return invalidContext

API cuInit(unsigned) { return ok; }
API cuDriverGetVersion(int *version) { return *version = 13000, ok; }
API cuGetErrorName(CUresult error, const char **text) {
  switch (int(error)) {
  case 2:
    return *text = "CUDA_ERROR_OUT_OF_MEMORY", ok;
  case 218:
    return *text = "CUDA_ERROR_INVALID_PTX", ok;
  default:
    return *text = "CUDA_ERROR_FAKE", ok;
  }
}
API cuGetErrorString(CUresult, const char **text) { return *text = "fake", ok; }
API cuDeviceGetCount(int *count) { return *count = 1, ok; }
API cuDeviceGet(CUdevice *device, int) { return *device = 0, ok; }
API cuDeviceGetName(char *name, int length, CUdevice) {
  return std::strncpy(name, "Fake H100", size_t(length)), ok;
}
API cuDeviceGetUuid(CUuuid *uuid, CUdevice) {
  return std::memset(uuid, 0xab, 16), ok;
}
API cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice) {
  static const std::map<int, int> values = {
      {1, 1024},    {10, 32},      {13, 1980000},     {16, 132}, {36, 2619000},
      {37, 5120},   {38, 1 << 20}, {39, 2048},        {75, 9},   {76, 0},
      {81, 233472}, {82, 65536},   {97, sharedLimit}, {120, 1},  {127, 1}};
  auto found = values.find(int(attribute));
  return found == values.end() ? invalidValue : (*value = found->second, ok);
}
API cuDeviceTotalMem_v2(size_t *bytes, CUdevice) { return *bytes = total, ok; }
API cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice) {
  return *context = theContext, ok;
}
API cuDevicePrimaryCtxRelease_v2(CUdevice) { return ok; }
API cuCtxGetCurrent(CUcontext *context) {
  return *context = current() ? stack->back() : nullptr, ok;
}
API cuCtxPushCurrent_v2(CUcontext context) {
  if (!stack)
    stack = new std::vector<CUcontext>;
  return stack->push_back(context), ok;
}
API cuCtxPopCurrent_v2(CUcontext *context) {
  NEEDS_CONTEXT();
  *context = stack->back();
  stack->pop_back();
  if (stack->empty()) {
    delete stack;
    stack = nullptr;
  }
  return ok;
}
API cuCtxSynchronize() { return current() ? ok : invalidContext; }

API cuMemGetInfo_v2(size_t *freeBytes, size_t *totalBytes) {
  NEEDS_CONTEXT();
  return *freeBytes = total - used, *totalBytes = total, ok;
}
API cuMemAlloc_v2(CUdeviceptr *pointer, size_t bytes) {
  NEEDS_CONTEXT();
  ++allocations;
  if (bytes > total - used)
    return outOfMemory;
  *pointer = CUdeviceptr(std::aligned_alloc(512, (bytes + 511) / 512 * 512));
  used += bytes;
  std::lock_guard lock(sizesMutex);
  sizes[*pointer] = bytes;
  return ok;
}
API cuMemFree_v2(CUdeviceptr pointer) {
  NEEDS_CONTEXT();
  std::lock_guard lock(sizesMutex);
  used -= sizes[pointer];
  sizes.erase(pointer);
  return std::free(reinterpret_cast<void *>(pointer)), ok;
}
API cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream) {
  NEEDS_CONTEXT();
  for (size_t i = 0; i < count; ++i)
    reinterpret_cast<unsigned *>(to)[i] = value;
  return ok;
}
API cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes,
                         CUstream) {
  NEEDS_CONTEXT();
  return std::memcpy(reinterpret_cast<void *>(to), from, bytes), ok;
}
API cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream) {
  NEEDS_CONTEXT();
  return std::memcpy(to, reinterpret_cast<void *>(from), bytes), ok;
}

API cuStreamCreate(CUstream *stream, unsigned flags) {
  NEEDS_CONTEXT();
  if (flags != 1)
    return invalidValue;
  return *stream = reinterpret_cast<CUstream>(new int(0)), ok;
}
API cuStreamDestroy_v2(CUstream stream) {
  NEEDS_CONTEXT();
  return delete reinterpret_cast<int *>(stream), ok;
}
API cuStreamSynchronize(CUstream) { return current() ? ok : invalidContext; }
API cuStreamQuery(CUstream) { return current() ? ok : invalidContext; }
API cuStreamWaitEvent(CUstream, CUevent event, unsigned) {
  NEEDS_CONTEXT();
  return event ? ok : invalidHandle;
}
API cuEventCreate(CUevent *event, unsigned) {
  NEEDS_CONTEXT();
  return *event = reinterpret_cast<CUevent>(new Event), ok;
}
API cuEventDestroy_v2(CUevent event) {
  NEEDS_CONTEXT();
  return delete reinterpret_cast<Event *>(event), ok;
}
API cuEventRecord(CUevent event, CUstream) {
  NEEDS_CONTEXT();
  return reinterpret_cast<Event *>(event)->ms = now(), ok;
}
API cuEventSynchronize(CUevent) { return current() ? ok : invalidContext; }
API cuEventQuery(CUevent) { return current() ? ok : invalidContext; }
API cuEventElapsedTime(float *ms, CUevent start, CUevent end) {
  const double from = reinterpret_cast<Event *>(start)->ms;
  const double to = reinterpret_cast<Event *>(end)->ms;
  if (from < 0 || to < 0)
    return invalidHandle;
  return *ms = float(to - from), ok;
}

API cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count,
                       CUjit_option *options, void **values) {
  NEEDS_CONTEXT();
  const auto *text = static_cast<const char *>(image);
  const bool valid = std::strstr(text, ".version") != nullptr;
  for (unsigned i = 0; i < count; ++i) {
    const bool information = int(options[i]) == 3;
    if (information || (int(options[i]) == 5 && !valid))
      std::strcpy(static_cast<char *>(values[i]),
                  information ? "info" : "ptxas fatal : no version\nmore");
  }
  if (!valid)
    return invalidPtx;
  return *module = reinterpret_cast<CUmodule>(new Module), ok;
}
API cuModuleUnload(CUmodule module) {
  NEEDS_CONTEXT();
  return delete reinterpret_cast<Module *>(module), ok;
}
API cuModuleGetFunction(CUfunction *function, CUmodule handle,
                        const char *name) {
  NEEDS_CONTEXT();
  if (!isFakeKernel(name))
    return notFound;
  auto *module = reinterpret_cast<Module *>(handle);
  std::lock_guard lock(module->mutex);
  Function &found = module->functions[name];
  if (found.name.empty()) // launches read it without the lock
    found.name = name;
  return *function = reinterpret_cast<CUfunction>(&found), ok;
}
API cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction) {
  NEEDS_CONTEXT();
  return *value = int(attribute) == 4 ? 32 : int(attribute) == 0 ? 1024 : 0, ok;
}
API cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute,
                       int value) {
  NEEDS_CONTEXT();
  if (int(attribute) != 8 || value > sharedLimit)
    return invalidValue;
  return reinterpret_cast<Function *>(function)->dynamicShared = value, ok;
}
API cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction,
                                                int threads, size_t) {
  NEEDS_CONTEXT();
  return *blocks = 2048 / threads, ok;
}
API cuLaunchKernel(CUfunction function, unsigned x, unsigned y, unsigned z,
                   unsigned, unsigned, unsigned, unsigned sharedBytes, CUstream,
                   void **arguments, void **extra) {
  const unsigned grid[3] = {x, y, z};
  return extra ? invalidValue
               : launch(function, grid, 1, sharedBytes, arguments);
}
API cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function,
                     void **arguments, void **) {
  const unsigned grid[3] = {config->gridDimX, config->gridDimY,
                            config->gridDimZ};
  if (config->numAttrs != 1 || int(config->attrs[0].id) != 4)
    return invalidValue;
  const auto &cluster = config->attrs[0].value.clusterDim;
  const CUresult done =
      launch(function, grid, cluster.x * cluster.y * cluster.z,
             config->sharedMemBytes, arguments);
  clustered += done == ok;
  return done;
}
API cuTensorMapEncodeTiled(CUtensorMap *map, CUtensorMapDataType, cuuint32_t,
                           void *, const cuuint64_t *, const cuuint64_t *,
                           const cuuint32_t *, const cuuint32_t *,
                           CUtensorMapInterleave, CUtensorMapSwizzle,
                           CUtensorMapL2promotion, CUtensorMapFloatOOBfill) {
  return std::memset(static_cast<void *>(map), 1, 128), ok;
}

/// For tests: how often the functions above have been called so far, and how
/// many of the launches were cuLaunchKernelEx.
API fakeCudaCounts(size_t *allocated, size_t *launched, size_t *ofClusters) {
  return *allocated = allocations, *launched = launches,
         *ofClusters = clustered, ok;
}
