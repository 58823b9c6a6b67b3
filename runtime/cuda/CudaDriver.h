// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One CUDA device behind the driver seam. It uses the device's primary context,
// which it shares with whatever else runs in the process (torch).
#ifndef ATTN_JIT_RUNTIME_CUDA_CUDADRIVER_H
#define ATTN_JIT_RUNTIME_CUDA_CUDADRIVER_H

#include "runtime/Driver.h"
#include "runtime/cuda/CudaApi.h"

#include <atomic>
#include <mutex>

namespace attn_jit::rt::cuda {

DeviceInfo describeDevice(const Api &api, CUdevice device, int index);

class CudaDriver final : public DeviceDriver {
public:
  CudaDriver(const Api &api, CUdevice device, int index);
  ~CudaDriver() override;

  bool has(Capability capability) const override;
  Status activate() override;
  Status synchronize() override;

  Result<MemoryInfo> memory() override;
  std::optional<ClockState> clocks() override;
  Result<uint64_t> allocate(int64_t bytes) override;
  void release(uint64_t address) override;
  Status fill(uint64_t address, uint32_t pattern, int64_t bytes,
              Handle stream) override;
  Status copyIn(uint64_t to, const void *from, int64_t bytes,
                Handle stream) override;
  Status copyOut(void *to, uint64_t from, int64_t bytes,
                 Handle stream) override;

  Result<Handle> createStream() override;
  void destroyStream(Handle stream) override;
  Status synchronizeStream(Handle stream) override;
  Result<bool> streamFinished(Handle stream) override;
  Status streamWait(Handle stream, Handle event) override;

  Result<Handle> createEvent() override;
  void destroyEvent(Handle event) override;
  Status recordEvent(Handle event, Handle stream) override;
  Status synchronizeEvent(Handle event) override;
  Result<bool> eventFinished(Handle event) override;
  Result<double> elapsedMs(Handle start, Handle end) override;

  Result<Handle> loadModule(std::span<const std::byte> image, ImageKind kind,
                            const LoadOptions &options,
                            std::string &log) override;
  void unloadModule(Handle module) override;
  Result<Handle> findKernel(Handle module, const std::string &name) override;
  Result<KernelAttributes> kernelAttributes(Handle kernel) override;
  Result<std::optional<int64_t>> occupancy(Handle kernel, int64_t blockThreads,
                                           int64_t sharedBytes) override;
  Status reserveShared(Handle kernel, int64_t bytes) override;
  Status launch(Handle kernel, const LaunchGeometry &geometry,
                const ArgumentBlock &arguments, Handle stream) override;
  Status encodeTensorMap(const TensorMapRequest &request,
                         TensorMap &map) override;

private:
  class Current;
  Error fault(const char *call, CUresult error) const;
  Status check(const char *call, CUresult error) const;
  Result<bool> finished(const char *call, CUresult error) const;

  const Api &api;
  const CUdevice device;
  bool clusters = false, tensorMaps = false;
  std::mutex mutex; ///< serialises the first activate()
  std::atomic<CUcontext> context = nullptr;
};

} // namespace attn_jit::rt::cuda

#endif // ATTN_JIT_RUNTIME_CUDA_CUDADRIVER_H
