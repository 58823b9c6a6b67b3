// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// HIP memory, streams and events. Each call selects the device for its own
// length only, so that the calling thread's device is left as it was.
#include "runtime/hip/HipDriver.h"
#include "runtime/hip/HipCurrent.h"

using namespace attn_jit::rt;
using namespace attn_jit::rt::hip;

HipDriver::HipDriver(const Api &api, int device) : api(api), device(device) {
  deviceInfo = describeDevice(api, device);
}

bool HipDriver::has(Capability capability) const {
  return capability == Capability::Concurrent;
}

Status HipDriver::activate() {
  // The first call that needs the context makes it; this one needs it.
  ATTN_TRY([[maybe_unused]] const MemoryInfo info, memory());
  return success();
}

Error HipDriver::fault(const char *call, hipError_t error) const {
  return failed(deviceInfo.selector() + ": " + api.describe(call, error));
}

Status HipDriver::check(const char *call, hipError_t error) const {
  return error == Success ? success() : Status(fault(call, error));
}

Result<bool> HipDriver::finished(const char *call, hipError_t error) const {
  if (error == NotReady)
    return false;
  ATTN_CHECK(check(call, error));
  return true;
}

Status HipDriver::synchronize() {
  ATTN_HIP_CURRENT();
  return check("hipDeviceSynchronize", api.hipDeviceSynchronize());
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Result<MemoryInfo> HipDriver::memory() {
  ATTN_HIP_CURRENT();
  size_t freeBytes = 0, totalBytes = 0;
  ATTN_CHECK(
      check("hipMemGetInfo", api.hipMemGetInfo(&freeBytes, &totalBytes)));
  return MemoryInfo{int64_t(freeBytes), int64_t(totalBytes)};
}

Result<uint64_t> HipDriver::allocate(int64_t bytes) {
  ATTN_HIP_CURRENT();
  void *pointer = nullptr;
  const hipError_t error = api.hipMalloc(&pointer, size_t(bytes));
  if (error == OutOfMemory) {
    size_t freeBytes = 0, totalBytes = 0;
    api.hipMemGetInfo(&freeBytes, &totalBytes);
    return Error{ErrorCode::OutOfMemory,
                 "out of memory on " + deviceInfo.selector() + ": " +
                     std::to_string(bytes) + " bytes asked, " +
                     std::to_string(freeBytes) + " bytes free",
                 {}};
  }
  ATTN_CHECK(check("hipMalloc", error));
  return reinterpret_cast<uint64_t>(pointer);
}

void HipDriver::release(uint64_t address) {
  Current current(*this);
  if (current.status().ok())
    (void)api.hipFree(reinterpret_cast<void *>(address));
}

Status HipDriver::fill(uint64_t address, uint32_t pattern, int64_t bytes,
                       Handle stream) {
  ATTN_HIP_CURRENT();
  return check("hipMemsetD32Async",
               api.hipMemsetD32Async(reinterpret_cast<void *>(address),
                                     int(pattern), size_t(bytes) / 4, stream));
}

Status HipDriver::copyIn(uint64_t to, const void *from, int64_t bytes,
                         Handle stream) {
  ATTN_HIP_CURRENT();
  return check("hipMemcpyHtoDAsync",
               api.hipMemcpyHtoDAsync(reinterpret_cast<void *>(to), from,
                                      size_t(bytes), stream));
}

Status HipDriver::copyOut(void *to, uint64_t from, int64_t bytes,
                          Handle stream) {
  ATTN_HIP_CURRENT();
  return check("hipMemcpyDtoHAsync",
               api.hipMemcpyDtoHAsync(to, reinterpret_cast<void *>(from),
                                      size_t(bytes), stream));
}

//===----------------------------------------------------------------------===//
// Streams and events
//===----------------------------------------------------------------------===//

Result<HipDriver::Handle> HipDriver::createStream() {
  ATTN_HIP_CURRENT();
  hipStream_t stream = nullptr;
  ATTN_CHECK(check("hipStreamCreateWithFlags",
                   api.hipStreamCreateWithFlags(&stream, streamNonBlocking)));
  return stream;
}

void HipDriver::destroyStream(Handle stream) {
  Current current(*this);
  if (current.status().ok())
    (void)api.hipStreamDestroy(stream);
}

Status HipDriver::synchronizeStream(Handle stream) {
  ATTN_HIP_CURRENT();
  return check("hipStreamSynchronize", api.hipStreamSynchronize(stream));
}

Result<bool> HipDriver::streamFinished(Handle stream) {
  ATTN_HIP_CURRENT();
  return finished("hipStreamQuery", api.hipStreamQuery(stream));
}

Status HipDriver::streamWait(Handle stream, Handle event) {
  ATTN_HIP_CURRENT();
  return check("hipStreamWaitEvent", api.hipStreamWaitEvent(stream, event, 0));
}

Result<HipDriver::Handle> HipDriver::createEvent() {
  ATTN_HIP_CURRENT();
  hipEvent_t event = nullptr;
  ATTN_CHECK(check("hipEventCreate", api.hipEventCreate(&event)));
  return event;
}

void HipDriver::destroyEvent(Handle event) {
  Current current(*this);
  if (current.status().ok())
    (void)api.hipEventDestroy(event);
}

Status HipDriver::recordEvent(Handle event, Handle stream) {
  ATTN_HIP_CURRENT();
  return check("hipEventRecord", api.hipEventRecord(event, stream));
}

Status HipDriver::synchronizeEvent(Handle event) {
  ATTN_HIP_CURRENT();
  return check("hipEventSynchronize", api.hipEventSynchronize(event));
}

Result<bool> HipDriver::eventFinished(Handle event) {
  ATTN_HIP_CURRENT();
  return finished("hipEventQuery", api.hipEventQuery(event));
}

Result<double> HipDriver::elapsedMs(Handle start, Handle end) {
  ATTN_HIP_CURRENT();
  float milliseconds = 0;
  ATTN_CHECK(check("hipEventElapsedTime",
                   api.hipEventElapsedTime(&milliseconds, start, end)));
  return double(milliseconds);
}

//===----------------------------------------------------------------------===//
// Enumeration
//===----------------------------------------------------------------------===//

DriverReport attn_jit::rt::enumerateHip() {
  DriverReport report{"hip", {}, {}};
  const Result<Api> &api = Api::get();
  if (!api) {
    report.absent = "hip: " + api.error().text;
    return report;
  }
  int count = 0;
  if (hipError_t error = api->hipGetDeviceCount(&count)) {
    report.absent = "hip: " + api->describe("hipGetDeviceCount", error);
    return report;
  }
  for (int device = 0; device < count; ++device)
    report.devices.emplace_back(std::make_shared<HipDriver>(*api, device));
  if (report.devices.empty())
    report.absent = "hip: the library is there but shows no device";
  return report;
}
