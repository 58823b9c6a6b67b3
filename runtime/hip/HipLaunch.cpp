// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// HIP modules, kernels and launches. Arguments go as one kernarg block, whose
// natural C layout is the AMD code object's own.
#include "runtime/ElfImage.h"
#include "runtime/hip/HipCurrent.h"

#include <elf.h>

using namespace attn_jit::rt;
using namespace attn_jit::rt::hip;

Result<HipDriver::Handle>
HipDriver::loadModule(std::span<const std::byte> image, ImageKind,
                      const LoadOptions &options, std::string &) {
  ATTN_HIP_CURRENT();
  // HIP takes no size: it trusts the headers.
  ATTN_CHECK(checkElfImage(image, EM_AMDGPU, "an AMD code object (hsaco)"));
  hipModule_t module = nullptr;
  const hipError_t error = api.hipModuleLoadData(&module, image.data());
  if (error == Success)
    return module;
  Error fault = this->fault("hipModuleLoadData", error);
  if (error == OutOfMemory)
    fault.code = ErrorCode::OutOfMemory;
  if (error == InvalidImage || error == NoBinaryForGpu)
    fault.code = ErrorCode::Unsupported;
  fault.text += ", the device is " + deviceInfo.target;
  fault.repro = "llvm-readelf --headers --notes " +
                (options.path.empty() ? "FILE" : options.path);
  return fault;
}

void HipDriver::unloadModule(Handle module) {
  Current current(*this);
  if (current.status().ok())
    (void)api.hipModuleUnload(module);
}

Result<HipDriver::Handle> HipDriver::findKernel(Handle module,
                                                const std::string &name) {
  ATTN_HIP_CURRENT();
  hipFunction_t function = nullptr;
  if (hipError_t error =
          api.hipModuleGetFunction(&function, module, name.c_str()))
    return notFound("kernel: '" + name + "' is not in the image: " +
                    api.describe("hipModuleGetFunction", error));
  return function;
}

Result<KernelAttributes> HipDriver::kernelAttributes(Handle kernel) {
  ATTN_HIP_CURRENT();
  auto attribute = [&](FunctionAttribute which) -> std::optional<int64_t> {
    int value = 0;
    if (api.hipFuncGetAttribute(&value, which, kernel))
      return std::nullopt;
    return value;
  };
  KernelAttributes attributes;
  attributes.registers = attribute(FunctionRegisters);
  attributes.localBytes = attribute(FunctionLocalBytes);
  attributes.sharedBytes = attribute(FunctionSharedBytes);
  attributes.maxThreads = attribute(FunctionMaxThreads);
  return attributes;
}

Result<std::optional<int64_t>>
HipDriver::occupancy(Handle kernel, int64_t blockThreads, int64_t sharedBytes) {
  ATTN_HIP_CURRENT();
  int blocks = 0;
  ATTN_CHECK(
      check("hipModuleOccupancyMaxActiveBlocksPerMultiprocessor",
            api.hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(
                &blocks, kernel, int(blockThreads), size_t(sharedBytes))));
  return std::optional<int64_t>(blocks);
}

Status HipDriver::reserveShared(Handle, int64_t) {
  // LDS needs no opt-in; the layer above has compared it with the limit.
  return success();
}

Status HipDriver::launch(Handle kernel, const LaunchGeometry &geometry,
                         const ArgumentBlock &arguments, Handle stream) {
  ATTN_HIP_CURRENT();
  const auto &[grid, block, cluster, sharedBytes] = geometry;
  if (cluster[0] * cluster[1] * cluster[2] > 1)
    return unsupported("cluster: more than one block given, " +
                       deviceInfo.selector() + " (" + deviceInfo.target +
                       ") has none");
  size_t bytes = arguments.bytes;
  void *extra[] = {reinterpret_cast<void *>(launchBufferPointer),
                   arguments.data, reinterpret_cast<void *>(launchBufferSize),
                   &bytes, reinterpret_cast<void *>(launchEnd)};
  return check("hipModuleLaunchKernel",
               api.hipModuleLaunchKernel(kernel, grid[0], grid[1], grid[2],
                                         block[0], block[1], block[2],
                                         sharedBytes, stream, nullptr, extra));
}
