// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CUDA context, memory, streams and events. Each call makes the primary context
// current for its own length only, so that a caller's context is left as it
// was.
#include "runtime/cuda/CudaDriver.h"
#include "runtime/cuda/CudaCurrent.h"
#include "runtime/cuda/Nvml.h"

using namespace attn_jit::rt;
using namespace attn_jit::rt::cuda;

CudaDriver::CudaDriver(const Api &api, CUdevice device, int index)
    : api(api), device(device) {
  deviceInfo = describeDevice(api, device, index);
  auto offers = [&](DeviceAttribute which) {
    int value = 0;
    return !api.cuDeviceGetAttribute(&value, which, device) && value;
  };
  clusters = api.cuLaunchKernelEx && offers(ClusterLaunch);
  tensorMaps = api.cuTensorMapEncodeTiled && offers(TensorMapAccess);
}

CudaDriver::~CudaDriver() {
  // At process end the driver may be gone already; its answer is then an error
  // that nobody needs.
  if (context.load())
    api.cuDevicePrimaryCtxRelease_v2(device);
}

bool CudaDriver::has(Capability capability) const {
  switch (capability) {
  case Capability::TensorMaps:
    return tensorMaps;
  case Capability::Clusters:
    return clusters;
  case Capability::DriverJit:
  case Capability::Concurrent:
    return true;
  case Capability::Clocks:
    return Nvml::get() && Nvml::get()->find(deviceInfo.uuid);
  }
  return false;
}

std::optional<ClockState> CudaDriver::clocks() {
  const Result<Nvml> &nvml = Nvml::get();
  return nvml ? nvml->clocks(nvml->find(deviceInfo.uuid)) : std::nullopt;
}

Status CudaDriver::activate() {
  if (context.load(std::memory_order_acquire))
    return success();
  std::lock_guard lock(mutex);
  if (context.load(std::memory_order_relaxed))
    return success();
  CUcontext made = nullptr;
  ATTN_CHECK(check("cuDevicePrimaryCtxRetain",
                   api.cuDevicePrimaryCtxRetain(&made, device)));
  context.store(made, std::memory_order_release);
  return success();
}

Error CudaDriver::fault(const char *call, CUresult error) const {
  return failed(deviceInfo.selector() + ": " + api.describe(call, error));
}

Status CudaDriver::check(const char *call, CUresult error) const {
  return error == Success ? success() : Status(fault(call, error));
}

Result<bool> CudaDriver::finished(const char *call, CUresult error) const {
  if (error == NotReady)
    return false;
  ATTN_CHECK(check(call, error));
  return true;
}

Status CudaDriver::synchronize() {
  ATTN_CUDA_CURRENT();
  return check("cuCtxSynchronize", api.cuCtxSynchronize());
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Result<MemoryInfo> CudaDriver::memory() {
  ATTN_CUDA_CURRENT();
  size_t freeBytes = 0, totalBytes = 0;
  ATTN_CHECK(
      check("cuMemGetInfo_v2", api.cuMemGetInfo_v2(&freeBytes, &totalBytes)));
  return MemoryInfo{int64_t(freeBytes), int64_t(totalBytes)};
}

Result<uint64_t> CudaDriver::allocate(int64_t bytes) {
  ATTN_CUDA_CURRENT();
  CUdeviceptr pointer = 0;
  const CUresult error = api.cuMemAlloc_v2(&pointer, size_t(bytes));
  if (error == OutOfMemory) {
    size_t freeBytes = 0, totalBytes = 0;
    api.cuMemGetInfo_v2(&freeBytes, &totalBytes);
    return Error{ErrorCode::OutOfMemory,
                 "out of memory on " + deviceInfo.selector() + ": " +
                     std::to_string(bytes) + " bytes asked, " +
                     std::to_string(freeBytes) + " bytes free",
                 {}};
  }
  ATTN_CHECK(check("cuMemAlloc_v2", error));
  return pointer;
}

void CudaDriver::release(uint64_t address) {
  Current current(*this);
  if (current.status().ok())
    api.cuMemFree_v2(address);
}

Status CudaDriver::fill(uint64_t address, uint32_t pattern, int64_t bytes,
                        Handle stream) {
  ATTN_CUDA_CURRENT();
  return check(
      "cuMemsetD32Async",
      api.cuMemsetD32Async(address, pattern, size_t(bytes) / 4, stream));
}

Status CudaDriver::copyIn(uint64_t to, const void *from, int64_t bytes,
                          Handle stream) {
  ATTN_CUDA_CURRENT();
  return check("cuMemcpyHtoDAsync_v2",
               api.cuMemcpyHtoDAsync_v2(to, from, size_t(bytes), stream));
}

Status CudaDriver::copyOut(void *to, uint64_t from, int64_t bytes,
                           Handle stream) {
  ATTN_CUDA_CURRENT();
  return check("cuMemcpyDtoHAsync_v2",
               api.cuMemcpyDtoHAsync_v2(to, from, size_t(bytes), stream));
}

//===----------------------------------------------------------------------===//
// Streams and events
//===----------------------------------------------------------------------===//

Result<CudaDriver::Handle> CudaDriver::createStream() {
  ATTN_CUDA_CURRENT();
  CUstream stream = nullptr;
  ATTN_CHECK(
      check("cuStreamCreate", api.cuStreamCreate(&stream, streamNonBlocking)));
  return stream;
}

void CudaDriver::destroyStream(Handle stream) {
  Current current(*this);
  if (current.status().ok())
    api.cuStreamDestroy_v2(stream);
}

Status CudaDriver::synchronizeStream(Handle stream) {
  ATTN_CUDA_CURRENT();
  return check("cuStreamSynchronize", api.cuStreamSynchronize(stream));
}

Result<bool> CudaDriver::streamFinished(Handle stream) {
  ATTN_CUDA_CURRENT();
  return finished("cuStreamQuery", api.cuStreamQuery(stream));
}

Status CudaDriver::streamWait(Handle stream, Handle event) {
  ATTN_CUDA_CURRENT();
  return check("cuStreamWaitEvent", api.cuStreamWaitEvent(stream, event, 0));
}

Result<CudaDriver::Handle> CudaDriver::createEvent() {
  ATTN_CUDA_CURRENT();
  CUevent event = nullptr;
  ATTN_CHECK(check("cuEventCreate", api.cuEventCreate(&event, 0)));
  return event;
}

void CudaDriver::destroyEvent(Handle event) {
  Current current(*this);
  if (current.status().ok())
    api.cuEventDestroy_v2(event);
}

Status CudaDriver::recordEvent(Handle event, Handle stream) {
  ATTN_CUDA_CURRENT();
  return check("cuEventRecord", api.cuEventRecord(event, stream));
}

Status CudaDriver::synchronizeEvent(Handle event) {
  ATTN_CUDA_CURRENT();
  return check("cuEventSynchronize", api.cuEventSynchronize(event));
}

Result<bool> CudaDriver::eventFinished(Handle event) {
  ATTN_CUDA_CURRENT();
  return finished("cuEventQuery", api.cuEventQuery(event));
}

Result<double> CudaDriver::elapsedMs(Handle start, Handle end) {
  ATTN_CUDA_CURRENT();
  float milliseconds = 0;
  ATTN_CHECK(check("cuEventElapsedTime",
                   api.cuEventElapsedTime(&milliseconds, start, end)));
  return double(milliseconds);
}

//===----------------------------------------------------------------------===//
// Enumeration
//===----------------------------------------------------------------------===//

DriverReport attn_jit::rt::enumerateCuda() {
  DriverReport report{"cuda", {}, {}};
  const Result<Api> &api = Api::get();
  if (!api) {
    report.absent = "cuda: " + api.error().text;
    return report;
  }
  int count = 0;
  if (CUresult error = api->cuDeviceGetCount(&count)) {
    report.absent = "cuda: " + api->describe("cuDeviceGetCount", error);
    return report;
  }
  for (int index = 0; index < count; ++index) {
    CUdevice device = 0;
    if (!api->cuDeviceGet(&device, index))
      report.devices.emplace_back(
          std::make_shared<CudaDriver>(*api, device, index));
  }
  if (report.devices.empty())
    report.absent = "cuda: the driver is there but shows no device";
  return report;
}
