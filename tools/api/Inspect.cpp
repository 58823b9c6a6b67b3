// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ptxas's numbers into a compiled kernel's report.
#include "tools/api/Inspect.h"
#include "runtime/Printable.h"

#include <algorithm>

using namespace attn_jit;
using namespace attn_jit::api;

std::optional<double> api::occupancyOf(const std::string &target,
                                       int64_t threads, int64_t registers,
                                       int64_t sharedBytes) {
  if (target.rfind("sm_90", 0) != 0 || threads < 1 || registers < 1)
    return std::nullopt;
  // Of one multiprocessor; registers are given to a warp 256 at a time, shared
  // memory to a block 128 bytes at a time beside 1 KiB of the system's.
  constexpr int64_t kWarps = 64, kRegisters = 65536, kShared = 228 * 1024;
  const int64_t warps = (threads + 31) / 32;
  const int64_t warpRegisters = (registers * 32 + 255) / 256 * 256;
  // Four quarters with a file each.
  const int64_t residentWarps = kRegisters / 4 / warpRegisters * 4;
  const int64_t blockShared = (sharedBytes + 127) / 128 * 128 + 1024;
  const int64_t blocks = std::min({kWarps / warps, residentWarps / warps,
                                   kShared / blockShared, int64_t(32)});
  return double(blocks * warps) / double(kWarps);
}

/// Why the numbers are not known: ptxas's own first line, where it says one.
static std::string reasonOf(const rt::Error &fault) {
  std::string line = fault.log.substr(0, fault.log.find('\n'));
  std::erase(line, '\r');
  return "n/a (" + fault.text + (line.empty() ? "" : ": ") +
         rt::printable(line, 120) + ")";
}

rt::Status api::addPtxasReport(Compiled &compiled, Assembled *assembled) {
  if (compiled.kind != rt::ImageKind::Ptx)
    return rt::success();
  const std::string ptxas = findPtxas();
  if (ptxas.empty())
    return rt::success();
  auto ran = assemble(ptxas, compiled.image, compiled.target,
                      /*keepFault=*/assembled != nullptr);
  if (!ran) {
    if (assembled)
      return ran.takeError();
    // An old ptxas, above all: a driver may take the PTX all the same.
    compiled.resources.source = reasonOf(ran.error());
    return rt::success();
  }
  Assembled made = std::move(*ran);
  ATTN_TRY(const rt::Manifest manifest, rt::parseManifest(compiled.manifest));
  rt::Resources &resources = compiled.resources;
  resources.registers = made.report.registers;
  resources.spills = made.report.spills;
  resources.sharedBytes =
      made.report.sharedBytes.value_or(0) + int64_t(manifest.sharedBytes);
  const auto &[x, y, z] = manifest.block;
  resources.occupancy =
      occupancyOf(compiled.target, int64_t(x) * y * z,
                  made.report.registers.value_or(0), *resources.sharedBytes);
  resources.source = made.report.version;
  if (assembled)
    *assembled = std::move(made);
  return rt::success();
}
