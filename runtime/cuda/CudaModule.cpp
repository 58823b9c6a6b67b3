// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CUDA modules, and PTX assembled into what loads without an assembler. A PTX
// that is refused gives the JIT's log and the command that shows it without a
// GPU.
#include "runtime/cuda/CudaCurrent.h"

#include <cstring>

using namespace attn_jit::rt;
using namespace attn_jit::rt::cuda;

namespace {
/// What the driver's assembler says, as options of its calls. They write to
/// this object, which must stay where it is while they may.
class JitLog {
public:
  JitLog() = default;
  JitLog(const JitLog &) = delete;

  static constexpr unsigned count = 5;
  int names[count] = {JitInfoLog, JitInfoLogBytes, JitErrorLog,
                      JitErrorLogBytes, JitLogVerbose};
  // Sizes and flags are passed as the pointer's value.
  void *values[count] = {information, reinterpret_cast<void *>(capacity),
                         errors, reinterpret_cast<void *>(capacity),
                         reinterpret_cast<void *>(uintptr_t(1))};

  std::string said() const { return ended(information); }
  /// `fault` with the log and, where a tool can show it again, the command.
  Error explained(Error fault, std::string repro) const {
    const std::string all = ended(errors);
    fault.log = all + said();
    const std::string first = all.substr(0, all.find('\n'));
    if (!first.empty())
      fault.text += ": " + first;
    fault.repro = std::move(repro);
    return fault;
  }

private:
  static constexpr size_t capacity = 8192;
  static std::string ended(const char *text) {
    return std::string(text, strnlen(text, capacity));
  }
  char information[capacity] = {}, errors[capacity] = {};
};

/// PTX is a C string to the driver; a file's last byte is not a NUL.
Result<std::string> ptxText(std::span<const std::byte> image) {
  std::string text(reinterpret_cast<const char *>(image.data()), image.size());
  if (text.find('\0') < text.find_last_not_of('\0'))
    return badInput("image: a NUL byte stands within the PTX text");
  return text;
}

std::string fileOf(const LoadOptions &options) {
  return options.path.empty() ? "FILE" : options.path;
}
} // namespace

Result<CudaDriver::Handle>
CudaDriver::loadModule(std::span<const std::byte> image, ImageKind kind,
                       const LoadOptions &options, std::string &log) {
  ATTN_CUDA_CURRENT();
  const bool isPtx = kind == ImageKind::Ptx;
  std::string text;
  if (isPtx) {
    ATTN_TRY(text, ptxText(image));
  }
  const void *data = isPtx ? static_cast<const void *>(text.c_str())
                           : static_cast<const void *>(image.data());
  JitLog jit;
  CUmodule module = nullptr;
  const CUresult error = api.cuModuleLoadDataEx(
      &module, data, isPtx ? JitLog::count : 0, jit.names, jit.values);
  log = jit.said();
  if (error == Success)
    return module;
  return jit.explained(fault("cuModuleLoadDataEx", error),
                       isPtx ? "ptxas -arch=" + deviceInfo.target + " -v " +
                                   fileOf(options)
                             : "cuobjdump -elf " + fileOf(options));
}

void CudaDriver::unloadModule(Handle module) {
  Current current(*this);
  if (current.status().ok())
    api.cuModuleUnload(module);
}

Result<std::string> CudaDriver::assemble(std::span<const std::byte> ptx,
                                         const LoadOptions &options) {
  ATTN_CUDA_CURRENT();
  ATTN_TRY(std::string text, ptxText(ptx));
  JitLog jit;
  CUlinkState state = nullptr;
  ATTN_CHECK(
      check("cuLinkCreate_v2",
            api.cuLinkCreate_v2(JitLog::count, jit.names, jit.values, &state)));
  void *cubin = nullptr;
  size_t bytes = 0;
  const char *call = "cuLinkAddData_v2";
  CUresult error =
      api.cuLinkAddData_v2(state, JitInputPtx, text.data(), text.size() + 1,
                           "kernel.ptx", 0, nullptr, nullptr);
  if (error == Success) {
    call = "cuLinkComplete";
    error = api.cuLinkComplete(state, &cubin, &bytes);
  }
  std::string made;
  if (error == Success) // the state owns it
    made.assign(static_cast<const char *>(cubin), bytes);
  api.cuLinkDestroy(state);
  if (error == Success)
    return made;
  return jit.explained(fault(call, error), "ptxas -arch=" + deviceInfo.target +
                                               " -v " + fileOf(options));
}
