// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host driver: modules are shared objects, a grid is shared out among
// oneTBB's threads one point at a time, so that uneven points balance.
#include "runtime/host/HostDriver.h"
#include "runtime/ElfImage.h"
#include "runtime/Processors.h"
#include "runtime/Synchronous.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <elf.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace attn_jit::rt;

namespace {

using Entry = void (*)(const void *arguments, int32_t x, int32_t y, int32_t z);

struct HostModule {
  void *library = nullptr;
  int file = -1;
  ~HostModule() {
    if (library)
      dlclose(library);
    if (file >= 0)
      close(file);
  }
};

class HostDriver final : public SynchronousDriver {
public:
  explicit HostDriver(int threads) : threads(threads), arena(threads) {
    // Only a request for more threads than CPUs needs to lift TBB's limit.
    if (threads > tbb::info::default_concurrency())
      parallelism.emplace(tbb::global_control::max_allowed_parallelism,
                          size_t(threads));
    deviceInfo = describeHost(threads);
  }

  bool has(Capability capability) const override {
    return capability == Capability::Concurrent;
  }

  Result<MemoryInfo> memory() override {
    return MemoryInfo{hostFreeBytes(), deviceInfo.memoryBytes};
  }

  Result<uint64_t> allocate(int64_t bytes) override {
    // The system would promise more than it has and kill the process later.
    const int64_t available = hostFreeBytes();
    void *pointer = nullptr;
    if ((available > 0 && bytes > available) ||
        posix_memalign(&pointer, 4096, size_t(bytes)) != 0)
      return Error{ErrorCode::OutOfMemory,
                   "out of memory on cpu: " + std::to_string(bytes) +
                       " bytes asked, " + std::to_string(available) +
                       " bytes free",
                   {}};
    return reinterpret_cast<uint64_t>(pointer);
  }
  void release(uint64_t address) override {
    std::free(reinterpret_cast<void *>(address));
  }

  Result<Handle> loadModule(std::span<const std::byte> image, ImageKind,
                            const LoadOptions &options,
                            std::string &) override {
    // A truncated object would be mapped beyond its end: SIGBUS.
    ATTN_CHECK(
        checkElfImage(image, EM_X86_64, "a whole x86-64 ELF shared object"));
    auto module = std::make_unique<HostModule>();
    module->file = memfd_create("attn-jit-image", MFD_CLOEXEC);
    if (module->file < 0)
      return failed(std::string("memfd_create: ") + std::strerror(errno));
    for (size_t done = 0; done < image.size();) {
      const ssize_t written =
          write(module->file, image.data() + done, image.size() - done);
      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        return failed(std::string("image: writing it to memory: ") +
                      std::strerror(errno));
      done += size_t(written);
    }
    // dlopen knows objects by name. The file stays open as long as the object,
    // so that no two live objects share a descriptor's name.
    const std::string path = "/proc/self/fd/" + std::to_string(module->file);
    module->library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!module->library) {
      const char *reason = dlerror();
      return Error{ErrorCode::BadInput,
                   "image: does not load: " +
                       std::string(reason ? reason : "unknown reason"),
                   "ldd -r " + (options.path.empty() ? "FILE" : options.path)};
    }
    return Handle(module.release());
  }
  void unloadModule(Handle module) override {
    delete static_cast<HostModule *>(module);
  }

  Result<Handle> findKernel(Handle module, const std::string &name) override {
    void *symbol =
        dlsym(static_cast<HostModule *>(module)->library, name.c_str());
    if (!symbol)
      return notFound("kernel: '" + name + "' is not in the image");
    return symbol;
  }
  Result<KernelAttributes> kernelAttributes(Handle) override {
    return KernelAttributes{};
  }
  Result<std::optional<int64_t>> occupancy(Handle, int64_t, int64_t) override {
    return std::optional<int64_t>();
  }
  Status reserveShared(Handle, int64_t) override { return success(); }

  Status launch(Handle kernel, const LaunchGeometry &geometry,
                const ArgumentBlock &arguments, Handle) override {
    const auto entry = reinterpret_cast<Entry>(kernel);
    const uint64_t width = geometry.grid[0], height = geometry.grid[1];
    const uint64_t points = width * height * geometry.grid[2];
    const void *data = arguments.data;
    std::atomic<uint64_t> next = 0;
    auto work = [&](int) {
      for (uint64_t i;
           (i = next.fetch_add(1, std::memory_order_relaxed)) < points;)
        entry(data, int32_t(i % width), int32_t(i / width % height),
              int32_t(i / width / height));
    };
    const int workers = int(std::min<uint64_t>(points, uint64_t(threads)));
    if (workers <= 1) {
      work(0);
      return success();
    }
    arena.execute([&] {
      tbb::parallel_for(0, workers, work, tbb::simple_partitioner());
    });
    return success();
  }

private:
  const int threads;
  tbb::task_arena arena;
  std::optional<tbb::global_control> parallelism;
};

} // namespace

Device attn_jit::rt::makeHostDevice(const HostOptions &options) {
  return Device(std::make_shared<HostDriver>(
      options.threads > 0 ? options.threads : usableProcessors()));
}

DriverReport attn_jit::rt::enumerateHost() {
  DriverReport report{"host", {}, {}};
  Result<int> threads = hostThreadsFromEnvironment();
  if (!threads)
    report.absent = "host: " + threads.error().text;
  else
    report.devices.push_back(makeHostDevice({*threads}));
  return report;
}
