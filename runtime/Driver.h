// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What one driver implements for one device. Handles are opaque to the layer
// above; every function may be called from any thread.
#ifndef ATTN_JIT_RUNTIME_DRIVER_H
#define ATTN_JIT_RUNTIME_DRIVER_H

#include "runtime/Runtime.h"

namespace attn_jit::rt {

/// A CUtensorMap, or what stands for one.
struct alignas(64) TensorMap {
  std::array<unsigned char, 128> bytes;
};

/// A 4-dimensional tiled view, innermost dimension first; strides of
/// dimensions 1..3 in bytes.
struct TensorMapRequest {
  enum class Element { F16, BF16, F32, U8 } element = Element::F16;
  uint64_t address = 0;
  std::array<uint64_t, 4> dims{};
  std::array<uint64_t, 3> strideBytes{};
  std::array<uint32_t, 4> box{};
  uint32_t swizzleBytes = 0;
};

class DeviceDriver {
public:
  using Handle = void *;
  virtual ~DeviceDriver() = default;

  const DeviceInfo &info() const { return deviceInfo; }
  virtual bool has(Capability capability) const = 0;
  virtual Status activate() { return success(); }
  virtual Status synchronize() = 0;

  virtual Result<MemoryInfo> memory() = 0;
  virtual std::optional<ClockState> clocks() { return std::nullopt; }
  virtual Result<uint64_t> allocate(int64_t bytes) = 0;
  virtual void release(uint64_t address) = 0;
  virtual Status fill(uint64_t address, uint32_t pattern, int64_t bytes,
                      Handle stream) = 0;
  virtual Status copyIn(uint64_t to, const void *from, int64_t bytes,
                        Handle stream) = 0;
  virtual Status copyOut(void *to, uint64_t from, int64_t bytes,
                         Handle stream) = 0;

  virtual Result<Handle> createStream() = 0;
  virtual void destroyStream(Handle stream) = 0;
  virtual Status synchronizeStream(Handle stream) = 0;
  virtual Result<bool> streamFinished(Handle stream) = 0;
  virtual Status streamWait(Handle stream, Handle event) = 0;

  virtual Result<Handle> createEvent() = 0;
  virtual void destroyEvent(Handle event) = 0;
  virtual Status recordEvent(Handle event, Handle stream) = 0;
  virtual Status synchronizeEvent(Handle event) = 0;
  virtual Result<bool> eventFinished(Handle event) = 0;
  virtual Result<double> elapsedMs(Handle start, Handle end) = 0;

  virtual Result<Handle> loadModule(std::span<const std::byte> image,
                                    ImageKind kind, const LoadOptions &options,
                                    std::string &log) = 0;
  virtual void unloadModule(Handle module) = 0;
  virtual Result<Handle> findKernel(Handle module, const std::string &name) = 0;
  virtual Result<KernelAttributes> kernelAttributes(Handle kernel) = 0;
  virtual Result<std::optional<int64_t>>
  occupancy(Handle kernel, int64_t blockThreads, int64_t sharedBytes) = 0;
  virtual Status reserveShared(Handle kernel, int64_t bytes) = 0;
  virtual Status launch(Handle kernel, const LaunchGeometry &geometry,
                        const ArgumentBlock &arguments, Handle stream) = 0;

  virtual Status encodeTensorMap(const TensorMapRequest &, TensorMap &) {
    return unsupported("device " + deviceInfo.selector() +
                       ": tensor maps are not supported here");
  }

protected:
  DeviceInfo deviceInfo;
};

/// Each driver's entry: its devices, or the sentence why there are none.
DriverReport enumerateCuda();
DriverReport enumerateHip();
DriverReport enumerateHost();

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_DRIVER_H
