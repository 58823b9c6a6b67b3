// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CUDA modules, kernels, launches and tensor maps. A PTX that does not load
// gives the JIT's log and the command that shows it without a GPU.
#include "runtime/cuda/CudaCurrent.h"

#include <cstring>

using namespace attn_jit::rt;
using namespace attn_jit::rt::cuda;

namespace {
/// What this thread loads has no part in a stream that another one captures,
/// which a load would spoil else.
class BesideCaptures {
public:
  explicit BesideCaptures(const Api &api) : api(api) { exchange(); }
  ~BesideCaptures() { exchange(); }
  BesideCaptures(const BesideCaptures &) = delete;
  BesideCaptures &operator=(const BesideCaptures &) = delete;

private:
  void exchange() {
    if (api.cuThreadExchangeStreamCaptureMode)
      api.cuThreadExchangeStreamCaptureMode(&mode);
  }
  const Api &api;
  int mode = captureRelaxed;
};
} // namespace

Result<CudaDriver::Handle>
CudaDriver::loadModule(std::span<const std::byte> image, ImageKind kind,
                       const LoadOptions &options, std::string &log) {
  ATTN_CUDA_CURRENT();
  const std::string file = options.path.empty() ? "FILE" : options.path;
  const bool isPtx = kind == ImageKind::Ptx;
  // PTX is a C string to the driver; a file's last byte is not a NUL.
  std::string text(reinterpret_cast<const char *>(image.data()), image.size());
  if (isPtx && text.find('\0') < text.find_last_not_of('\0'))
    return badInput("image: a NUL byte stands within the PTX text");

  char information[8192] = {}, errors[8192] = {};
  int names[] = {JitInfoLog, JitInfoLogBytes, JitErrorLog, JitErrorLogBytes,
                 JitLogVerbose};
  // Sizes and flags are passed as the pointer's value.
  void *values[] = {information, reinterpret_cast<void *>(sizeof information),
                    errors, reinterpret_cast<void *>(sizeof errors),
                    reinterpret_cast<void *>(uintptr_t(1))};
  CUmodule module = nullptr;
  const BesideCaptures beside(api);
  const CUresult error = api.cuModuleLoadDataEx(&module, text.c_str(),
                                                isPtx ? 5 : 0, names, values);
  information[sizeof information - 1] = errors[sizeof errors - 1] = 0;
  log = information;
  if (error == Success)
    return module;

  Error fault = this->fault("cuModuleLoadDataEx", error);
  if (error == OutOfMemory)
    fault.code = ErrorCode::OutOfMemory;
  if (error == InvalidImage || error == NoBinaryForGpu || error == InvalidPtx)
    fault.code = ErrorCode::Unsupported;
  fault.log = std::string(errors) + information;
  const std::string first(errors, std::strcspn(errors, "\n"));
  if (!first.empty())
    fault.text += ": " + first;
  fault.repro = isPtx ? "ptxas -arch=" + deviceInfo.target + " -v " + file
                      : "cuobjdump -elf " + file;
  return fault;
}

void CudaDriver::unloadModule(Handle module) {
  Current current(*this);
  if (current.status().ok())
    api.cuModuleUnload(module);
}

Result<CudaDriver::Handle> CudaDriver::findKernel(Handle module,
                                                  const std::string &name) {
  ATTN_CUDA_CURRENT();
  CUfunction function = nullptr;
  if (CUresult error = api.cuModuleGetFunction(&function, module, name.c_str()))
    return notFound("kernel: '" + name + "' is not in the image: " +
                    api.describe("cuModuleGetFunction", error));
  return function;
}

Result<KernelAttributes> CudaDriver::kernelAttributes(Handle kernel) {
  ATTN_CUDA_CURRENT();
  auto attribute = [&](FunctionAttribute which) -> std::optional<int64_t> {
    int value = 0;
    if (api.cuFuncGetAttribute(&value, which, kernel))
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

Result<std::optional<int64_t>> CudaDriver::occupancy(Handle kernel,
                                                     int64_t blockThreads,
                                                     int64_t sharedBytes) {
  ATTN_CUDA_CURRENT();
  int blocks = 0;
  ATTN_CHECK(
      check("cuOccupancyMaxActiveBlocksPerMultiprocessor",
            api.cuOccupancyMaxActiveBlocksPerMultiprocessor(
                &blocks, kernel, int(blockThreads), size_t(sharedBytes))));
  return std::optional<int64_t>(blocks);
}

Status CudaDriver::reserveShared(Handle kernel, int64_t bytes) {
  ATTN_CUDA_CURRENT();
  int fixed = 0;
  if (!api.cuFuncGetAttribute(&fixed, FunctionSharedBytes, kernel) &&
      bytes + fixed > deviceInfo.sharedBytesPerBlock)
    return badInput(
        "shared_bytes: " + std::to_string(bytes) + " dynamic and " +
        std::to_string(fixed) + " static given, " + deviceInfo.selector() +
        " (" + deviceInfo.target + ") allows " +
        std::to_string(deviceInfo.sharedBytesPerBlock) + " together");
  return check(
      "cuFuncSetAttribute",
      api.cuFuncSetAttribute(kernel, FunctionMaxDynamicShared, int(bytes)));
}

Status CudaDriver::launch(Handle kernel, const LaunchGeometry &geometry,
                          const ArgumentBlock &arguments, Handle stream) {
  ATTN_CUDA_CURRENT();
  const auto &[grid, block, cluster, sharedBytes] = geometry;
  if (cluster[0] * cluster[1] * cluster[2] <= 1)
    return check("cuLaunchKernel",
                 api.cuLaunchKernel(kernel, grid[0], grid[1], grid[2], block[0],
                                    block[1], block[2], sharedBytes, stream,
                                    arguments.pointers, nullptr));
  if (!clusters)
    return unsupported("cluster: more than one block given, " +
                       deviceInfo.selector() + " (" + deviceInfo.target +
                       ") has none");
  LaunchAttribute attribute = {};
  attribute.id = attributeClusterDimension;
  attribute.cluster = {cluster[0], cluster[1], cluster[2]};
  const LaunchConfig config = {grid[0],    grid[1],  grid[2],     block[0],
                               block[1],   block[2], sharedBytes, stream,
                               &attribute, 1};
  return check(
      "cuLaunchKernelEx",
      api.cuLaunchKernelEx(&config, kernel, arguments.pointers, nullptr));
}

Status CudaDriver::encodeTensorMap(const TensorMapRequest &request,
                                   TensorMap &map) {
  if (!tensorMaps)
    return DeviceDriver::encodeTensorMap(request, map);
  // It only writes 128 bytes, yet driver 580 refuses without a current context.
  ATTN_CUDA_CURRENT();
  int type = MapU8;
  switch (request.element) {
  case TensorMapRequest::Element::F16:
    type = MapF16;
    break;
  case TensorMapRequest::Element::BF16:
    type = MapBF16;
    break;
  case TensorMapRequest::Element::F32:
    type = MapF32;
    break;
  case TensorMapRequest::Element::U8:
    break;
  }
  const int swizzle = request.swizzleBytes == 128  ? 3
                      : request.swizzleBytes == 64 ? 2
                      : request.swizzleBytes == 32 ? 1
                                                   : 0;
  static constexpr uint32_t elementStrides[4] = {1, 1, 1, 1};
  return check("cuTensorMapEncodeTiled",
               api.cuTensorMapEncodeTiled(
                   map.bytes.data(), type, 4,
                   reinterpret_cast<void *>(request.address),
                   request.dims.data(), request.strideBytes.data(),
                   request.box.data(), elementStrides, /*interleave=*/0,
                   swizzle, mapL2Promotion256, /*outOfBounds=*/0));
}
