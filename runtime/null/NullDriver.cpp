// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The null driver: everything the seam promises but the computing. Any image
// loads, any kernel name is found, all limits are enforced as a GPU would.
#include "runtime/null/NullDriver.h"
#include "runtime/Synchronous.h"

#include <cstdlib>
#include <map>

using namespace attn_jit::rt;

namespace {

struct NullModule {
  std::mutex mutex;
  std::map<std::string, std::string> kernels; ///< stable node addresses
};

class NullDriver final : public SynchronousDriver, public NullLog {
public:
  explicit NullDriver(const NullOptions &options) : options(options) {
    deviceInfo.driver = "null";
    deviceInfo.name = "null device";
    deviceInfo.target = options.target;
    deviceInfo.driverVersion = "1";
    deviceInfo.images = {ImageKind::Ptx, ImageKind::Cubin, ImageKind::Hsaco,
                         ImageKind::Host};
    deviceInfo.computeUnits = options.computeUnits;
    deviceInfo.memoryBytes = options.memoryBytes;
    deviceInfo.l2Bytes = 1 << 20;
    deviceInfo.sharedBytesPerBlock = options.sharedBytesPerBlock;
    deviceInfo.sharedBytesPerUnit = options.sharedBytesPerBlock;
    deviceInfo.maxThreadsPerBlock = options.maxThreadsPerBlock;
    deviceInfo.maxThreadsPerUnit = 2048;
    deviceInfo.warpSize = 32;
  }

  bool has(Capability capability) const override {
    return capability == Capability::TensorMaps ||
           capability == Capability::Clusters;
  }

  Result<MemoryInfo> memory() override {
    return MemoryInfo{options.memoryBytes - liveBytes(), options.memoryBytes};
  }

  Result<uint64_t> allocate(int64_t bytes) override {
    std::lock_guard lock(mutex);
    const int64_t left = options.memoryBytes - live;
    void *pointer = nullptr;
    if (bytes <= left && posix_memalign(&pointer, 256, size_t(bytes)) == 0) {
      live += bytes;
      sizes[reinterpret_cast<uint64_t>(pointer)] = bytes;
      return reinterpret_cast<uint64_t>(pointer);
    }
    return Error{ErrorCode::OutOfMemory,
                 "out of memory on null: " + std::to_string(bytes) +
                     " bytes asked, " + std::to_string(left) + " bytes free",
                 {}};
  }
  void release(uint64_t address) override {
    std::lock_guard lock(mutex);
    auto found = sizes.find(address);
    if (found == sizes.end())
      return;
    live -= found->second;
    sizes.erase(found);
    std::free(reinterpret_cast<void *>(address));
  }

  Result<Handle> loadModule(std::span<const std::byte>, ImageKind,
                            const LoadOptions &, std::string &) override {
    return Handle(new NullModule);
  }
  void unloadModule(Handle module) override {
    delete static_cast<NullModule *>(module);
  }
  Result<Handle> findKernel(Handle module, const std::string &name) override {
    if (name.empty() || (options.execute && !options.knows(name)))
      return notFound("kernel: '" + name + "' is not in the image");
    auto *kernels = static_cast<NullModule *>(module);
    std::lock_guard lock(kernels->mutex);
    return Handle(&kernels->kernels.try_emplace(name, name).first->second);
  }
  Result<KernelAttributes> kernelAttributes(Handle) override {
    KernelAttributes attributes;
    attributes.maxThreads = deviceInfo.maxThreadsPerBlock;
    return attributes;
  }
  Result<std::optional<int64_t>> occupancy(Handle, int64_t, int64_t) override {
    return std::optional<int64_t>();
  }
  Status reserveShared(Handle, int64_t) override { return success(); }

  Status launch(Handle kernel, const LaunchGeometry &geometry,
                const ArgumentBlock &arguments, Handle stream) override {
    RecordedLaunch record;
    record.kernel = *static_cast<std::string *>(kernel);
    record.geometry = geometry;
    const auto *data = static_cast<const std::byte *>(arguments.data);
    record.arguments.assign(data, data + arguments.bytes);
    for (uint32_t i = 0; i < arguments.count; ++i)
      record.argumentOffsets.push_back(uint32_t(
          static_cast<const std::byte *>(arguments.pointers[i]) - data));
    record.stream = stream;
    if (options.execute)
      options.execute(record, arguments);
    std::lock_guard lock(mutex);
    recorded.push_back(std::move(record));
    return success();
  }

  Status encodeTensorMap(const TensorMapRequest &request,
                         TensorMap &map) override {
    std::lock_guard lock(mutex);
    requests.push_back(request);
    map.bytes.fill(0);
    map.bytes[0] = static_cast<unsigned char>(requests.size());
    return success();
  }

  std::vector<RecordedLaunch> launches() const override {
    std::lock_guard lock(mutex);
    return recorded;
  }
  std::vector<TensorMapRequest> tensorMaps() const override {
    std::lock_guard lock(mutex);
    return requests;
  }
  int64_t liveBytes() const override {
    std::lock_guard lock(mutex);
    return live;
  }

private:
  const NullOptions options;
  mutable std::mutex mutex;
  int64_t live = 0;
  std::map<uint64_t, int64_t> sizes;
  std::vector<RecordedLaunch> recorded;
  std::vector<TensorMapRequest> requests;
};

} // namespace

NullDevice attn_jit::rt::makeNullDevice(const NullOptions &options) {
  auto driver = std::make_shared<NullDriver>(options);
  return {Device(driver), driver};
}
