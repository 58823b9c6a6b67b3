// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Puts a manifest's image on a device: does the chip fit, do the limits hold,
// then load, find the entry, reserve its shared memory.
#include "runtime/Launch.h"

#include <algorithm>
#include <charconv>

using namespace attn_jit::rt;

/// sm_90a -> 90 and 'a'; nothing for other names.
struct Chip {
  int number;
  bool exact; ///< features that no other chip has
};
static std::optional<Chip> nvidiaChip(std::string_view target) {
  if (target.substr(0, 3) != "sm_")
    return std::nullopt;
  target.remove_prefix(3);
  Chip chip{0, false};
  const char *end = target.data() + target.size();
  auto [stop, error] = std::from_chars(target.data(), end, chip.number);
  if (error != std::errc() || end - stop > 1)
    return std::nullopt;
  chip.exact = stop != end;
  return chip;
}

bool attn_jit::rt::targetFits(const std::string &target,
                              const DeviceInfo &device, ImageKind kind) {
  if (target == device.target || device.target == "null")
    return true;
  const auto wanted = nvidiaChip(target), present = nvidiaChip(device.target);
  if (!wanted || !present)
    return false;
  if (wanted->exact || wanted->number == present->number)
    return wanted->number == present->number;
  // PTX moves up to any later chip, machine code only within its generation.
  return wanted->number < present->number &&
         (kind == ImageKind::Ptx ||
          wanted->number / 10 == present->number / 10);
}

static Status checkDevice(const Manifest &manifest, const Device &device) {
  const DeviceInfo &info = device.info();
  if (!targetFits(manifest.target, info, manifest.imageKind))
    return badInput("target: " + manifest.target + " given, " +
                    info.selector() + " is " + info.target);
  for (const std::string &feature : manifest.features)
    if (info.target != "null" &&
        std::find(info.features.begin(), info.features.end(), feature) ==
            info.features.end())
      return badInput("features: the image needs " + feature + ", " +
                      info.selector() + " (" + info.name + ") has none");
  const int64_t threads = manifest.threads();
  if (info.maxThreadsPerBlock && threads > info.maxThreadsPerBlock)
    return badInput("block: " + std::to_string(threads) + " threads given, " +
                    info.selector() + " allows at most " +
                    std::to_string(info.maxThreadsPerBlock));
  const auto &cluster = manifest.cluster;
  if (cluster[0] * cluster[1] * cluster[2] > 1 &&
      !device.has(Capability::Clusters))
    return badInput("cluster: more than one block given, " + info.selector() +
                    " (" + info.target + ") has none");
  return success();
}

Result<PreparedKernel> attn_jit::rt::prepare(const Device &device,
                                             Manifest manifest,
                                             std::span<const std::byte> image,
                                             const LoadOptions &options) {
  ATTN_CHECK(checkDevice(manifest, device));
  PreparedKernel prepared;
  prepared.where = device;
  ATTN_TRY(prepared.image, device.load(image, manifest.imageKind, options));
  ATTN_TRY(prepared.function, prepared.image.kernel(manifest.kernel));
  if (manifest.sharedBytes > 0)
    ATTN_CHECK(prepared.function.reserveShared(manifest.sharedBytes));
  prepared.contract = std::move(manifest);
  const auto &grid = prepared.contract.grid;
  if (std::any_of(grid.begin(), grid.end(),
                  [](const GridRule &rule) { return rule.resident; })) {
    ATTN_TRY(const std::optional<int64_t> blocks, prepared.blocksOfUnit());
    prepared.residentBlocks =
        std::max<int64_t>(device.info().computeUnits * blocks.value_or(1), 1);
  }
  return prepared;
}

/// Blocks that one compute unit holds at once; nothing where a driver cannot
/// tell.
Result<std::optional<int64_t>> PreparedKernel::blocksOfUnit() const {
  return function.occupancy(contract.threads(), contract.sharedBytes);
}

Result<Resources> PreparedKernel::resources() const {
  Resources resources = contract.resources;
  ATTN_TRY(const KernelAttributes attributes, function.attributes());
  if (attributes.registers) {
    resources.registers = attributes.registers;
    resources.source =
        where.info().driver + " driver " + where.info().driverVersion;
  }
  // A driver tells local memory, spills and stack in one: only a zero says
  // something of the spills alone.
  resources.localBytes = attributes.localBytes;
  if (!resources.spills && attributes.localBytes == 0)
    resources.spills = 0;
  if (attributes.sharedBytes)
    resources.sharedBytes = *attributes.sharedBytes + contract.sharedBytes;
  ATTN_TRY(const std::optional<int64_t> blocks, blocksOfUnit());
  if (blocks && where.info().maxThreadsPerUnit)
    resources.occupancy = double(*blocks * contract.threads()) /
                          double(where.info().maxThreadsPerUnit);
  return resources;
}
