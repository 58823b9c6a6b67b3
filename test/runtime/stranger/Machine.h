// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The machines a stranger can launch on: this CPU, or a GPU through the
// vendor's library by dlopen. Only docs/manifest.md is known here.
#ifndef ATTN_JIT_TEST_STRANGER_MACHINE_H
#define ATTN_JIT_TEST_STRANGER_MACHINE_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using nlohmann::json;
using Bytes = std::vector<char>;

[[noreturn]] inline void stop(int code, const std::string &text) {
  std::fprintf(stderr, "LaunchFromFiles: %s\n", text.c_str());
  std::exit(code);
}

/// What differs between machines.
struct Machine {
  std::function<uint64_t(size_t)> allocate;
  std::function<void(uint64_t, const void *, size_t)> toDevice;
  std::function<void(void *, uint64_t, size_t)> fromDevice;
  std::function<void(char *map, const json &argument, uint64_t address,
                     const uint64_t *dims, const uint64_t *strides)>
      encodeMap;
  std::function<void(const int *grid, Bytes &block,
                     std::vector<size_t> &offsets)>
      launch;
};

template <typename F> F *symbol(void *library, const char *name) {
  void *found = dlsym(library, name);
  return found ? reinterpret_cast<F *>(found)
               : (stop(2, std::string("no symbol ") + name), nullptr);
}
inline void check(int error, const char *what) {
  if (error)
    stop(2, std::string(what) + " gives error " + std::to_string(error));
}

inline Machine hostMachine(const json &manifest, const std::string &path) {
  void *library = dlopen(path.c_str(), RTLD_NOW);
  if (!library)
    stop(2, dlerror());
  const std::string kernel = manifest["kernel"];
  auto *entry = symbol<void(const void *, int32_t, int32_t, int32_t)>(
      library, kernel.c_str());
  Machine machine;
  machine.allocate = [](size_t bytes) {
    return uint64_t(std::aligned_alloc(256, (bytes + 255) / 256 * 256));
  };
  machine.toDevice = [](uint64_t to, const void *from, size_t bytes) {
    std::memcpy(reinterpret_cast<void *>(to), from, bytes);
  };
  machine.fromDevice = [](void *to, uint64_t from, size_t bytes) {
    std::memcpy(to, reinterpret_cast<void *>(from), bytes);
  };
  machine.launch = [entry](const int *grid, Bytes &block, auto &) {
    for (int z = 0; z < grid[2]; ++z)
      for (int y = 0; y < grid[1]; ++y)
        for (int x = 0; x < grid[0]; ++x)
          entry(block.data(), x, y, z);
  };
  return machine;
}

/// CUDA and HIP have the same shape; `cuda` picks the names.
inline Machine gpuMachine(const json &manifest, const Bytes &image, bool cuda) {
  void *library = nullptr;
  for (const char *name : {"libcuda.so.1", "libamdhip64.so.7",
                           "libamdhip64.so.6", "libamdhip64.so.5"})
    if (!library && cuda == (std::string(name) == "libcuda.so.1"))
      library = dlopen(name, RTLD_NOW);
  if (!library)
    stop(77, cuda ? "no libcuda.so.1" : "no libamdhip64.so");
  using I = int;
  check(symbol<I(unsigned)>(library, cuda ? "cuInit" : "hipInit")(0), "init");
  void *module = nullptr, *function = nullptr, *context = nullptr;
  if (cuda) {
    check(symbol<I(void **, int)>(library, "cuDevicePrimaryCtxRetain")(&context,
                                                                       0),
          "context");
    check(symbol<I(void *)>(library, "cuCtxSetCurrent")(context), "context");
  } else {
    check(symbol<I(int)>(library, "hipSetDevice")(0), "device");
  }
  check(symbol<I(void **, const void *)>(library, cuda ? "cuModuleLoadData"
                                                       : "hipModuleLoadData")(
            &module, image.data()),
        "loading the image");
  const std::string kernel = manifest["kernel"];
  check(symbol<I(void **, void *, const char *)>(
            library, cuda ? "cuModuleGetFunction" : "hipModuleGetFunction")(
            &function, module, kernel.c_str()),
        "the kernel");
  const unsigned shared = manifest.value("shared_bytes", 0u);
  if (cuda && shared)
    check(symbol<I(void *, int, int)>(library, "cuFuncSetAttribute")(
              function, 8, int(shared)),
          "shared memory");

  Machine machine;
  machine.allocate = [=](size_t bytes) {
    uint64_t address = 0;
    check(symbol<I(uint64_t *, size_t)>(
              library, cuda ? "cuMemAlloc_v2" : "hipMalloc")(&address, bytes),
          "memory");
    return address;
  };
  machine.toDevice = [=](uint64_t to, const void *from, size_t bytes) {
    check(symbol<I(uint64_t, const void *, size_t)>(
              library, cuda ? "cuMemcpyHtoD_v2" : "hipMemcpyHtoD")(to, from,
                                                                   bytes),
          "copy");
  };
  machine.fromDevice = [=](void *to, uint64_t from, size_t bytes) {
    check(symbol<I(void *, uint64_t, size_t)>(
              library, cuda ? "cuMemcpyDtoH_v2" : "hipMemcpyDtoH")(to, from,
                                                                   bytes),
          "copy");
  };
  if (cuda)
    machine.encodeMap = [=](char *map, const json &argument, uint64_t address,
                            const uint64_t *dims, const uint64_t *strides) {
      const std::map<std::string, int> types = {
          {"f16", 6}, {"f32", 7}, {"bf16", 9}};
      const std::map<int, int> swizzles = {{0, 0}, {32, 1}, {64, 2}, {128, 3}};
      const uint32_t ones[4] = {1, 1, 1, 1};
      const std::vector<uint32_t> box = argument["box"];
      check(symbol<I(void *, int, uint32_t, uint64_t, const uint64_t *,
                     const uint64_t *, const uint32_t *, const uint32_t *, int,
                     int, int, int)>(library, "cuTensorMapEncodeTiled")(
                map, types.at(argument["element"]), 4, address, dims, strides,
                box.data(), ones, 0, swizzles.at(argument["swizzle"]), 3, 0),
            "tensor map");
    };
  const std::vector<unsigned> block = manifest["block"];
  const std::vector<unsigned> cluster =
      manifest.value("cluster", std::vector<unsigned>{1, 1, 1});
  machine.launch = [=](const int *grid, Bytes &bytes,
                       std::vector<size_t> &offsets) {
    std::vector<void *> pointers;
    for (size_t offset : offsets)
      pointers.push_back(bytes.data() + offset);
    size_t size = bytes.size();
    void *extra[] = {(void *)1, bytes.data(), (void *)2, &size, (void *)3};
    if (cuda && cluster[0] * cluster[1] * cluster[2] > 1) {
      struct {
        int id, pad;
        unsigned x, y, z;
        char rest[52];
      } attribute = {4, 0, cluster[0], cluster[1], cluster[2], {}};
      struct {
        int grid[3];
        unsigned block[3], shared;
        void *stream, *attributes;
        unsigned count;
      } config = {{grid[0], grid[1], grid[2]},
                  {block[0], block[1], block[2]},
                  shared,
                  nullptr,
                  &attribute,
                  1};
      check(symbol<I(void *, void *, void **, void **)>(
                library, "cuLaunchKernelEx")(&config, function, pointers.data(),
                                             nullptr),
            "launch");
    } else {
      check(symbol<I(void *, int, int, int, unsigned, unsigned, unsigned,
                     unsigned, void *, void **, void **)>(
                library, cuda ? "cuLaunchKernel" : "hipModuleLaunchKernel")(
                function, grid[0], grid[1], grid[2], block[0], block[1],
                block[2], shared, nullptr, cuda ? pointers.data() : nullptr,
                cuda ? nullptr : extra),
            "launch");
    }
    check(symbol<I()>(library,
                      cuda ? "cuCtxSynchronize" : "hipDeviceSynchronize")(),
          "the kernel");
  };
  return machine;
}

#endif // ATTN_JIT_TEST_STRANGER_MACHINE_H
