// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The launch manifest of a tile kernel, read off its arguments and copies: the
// same facts that leaf lowering uses, so that image and manifest cannot
// disagree.
#include "codegen/Codegen.h"
#include "codegen/lower/GpuTarget.h"
#include "dialect/attn/Attn.h"
#include "dialect/attn/MaskAnalysis.h"
#include "llvm/Support/Regex.h"
#include <limits>

using namespace mlir;
using namespace attn_jit;
namespace json = llvm::json;

llvm::Expected<tile::KernelOp> attn_jit::findKernel(ModuleOp module) {
  auto kernels = llvm::to_vector(module.getOps<tile::KernelOp>());
  if (kernels.size() != 1)
    return inputError("module: {0} tile kernels given, allowed: 1",
                      kernels.size());
  return kernels.front();
}

static std::string elementName(Type type) {
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return name;
}

/// One factor of a grid dimension: NAME, or ceil_div(NAME, N).
static std::optional<json::Object> gridFactor(StringRef text) {
  SmallVector<StringRef> parts;
  int64_t by = 0;
  if (llvm::Regex("^ceil_div\\(([a-z_0-9]+), ([0-9]+)\\)$")
          .match(text, &parts) &&
      !parts[2].getAsInteger(10, by) && by >= 1)
    return json::Object{{"ceil_div", json::Array{parts[1].str(), by}}};
  if (llvm::Regex("^[a-z_0-9]+$").match(text))
    return json::Object{{"value", text.str()}};
  return std::nullopt;
}

/// One rule a grid dimension: factors with " * " between them, or
/// resident(these).
static llvm::Expected<json::Value> gridRule(StringRef text) {
  StringRef product = text;
  bool resident = product.consume_front("resident(");
  bool closed = !resident || product.consume_back(")");
  SmallVector<StringRef> factors;
  product.split(factors, " * ");
  json::Array rules;
  for (StringRef factor : factors)
    if (auto rule = gridFactor(factor))
      rules.push_back(std::move(*rule));
  if (!closed || rules.size() != factors.size())
    return inputError("grid: '{0}' given, allowed: NAME or ceil_div(NAME, N), "
                      "products of these by ' * ', or resident(PRODUCT)",
                      text);
  json::Value rule = rules.size() == 1
                         ? std::move(rules.front())
                         : json::Object{{"product", std::move(rules)}};
  if (resident)
    return json::Object{{"resident", std::move(rule)}};
  return rule;
}

/// The box that every copy from this tensor takes, and what it asks of heads.
static llvm::Expected<json::Object> tensorMap(StringRef name,
                                              BlockArgument argument,
                                              int64_t cluster,
                                              json::Array &rules) {
  auto type = cast<tile::GlobalType>(argument.getType());
  tile::SharedType slot;
  int64_t heads = 1, shares = 1;
  for (Operation *user : argument.getUsers()) {
    auto copy = dyn_cast<tile::CopyOp>(user);
    if (!copy)
      continue;
    tile::SharedType own = copy.getPipe().getType().getSlot();
    int64_t ownHeads = copy.getHeadsAttr().getInt();
    auto pipe = copy.getPipe().getDefiningOp<tile::PipeCreateOp>();
    int64_t ownShares = pipe && pipe.getClusterWide() ? cluster : 1;
    if (slot && (own != slot || ownHeads != heads || ownShares != shares))
      return inputError("tensor '{0}': copied into tiles of two shapes", name);
    slot = own, heads = ownHeads, shares = ownShares;
  }
  if (!slot || !slot.getSwizzle())
    return inputError(
        "tensor '{0}': bulk, but never copied into a swizzled tile", name);
  // Query heads of one tile read the same keys.
  if (heads > 1 && name != "q")
    return inputError("tensor '{0}': copied from {1} heads at once, allowed: 1 "
                      "(q alone: several)",
                      name, heads);
  if (heads > 1)
    rules.push_back(
        json::Object{{"aligned", json::Array{"heads_per_kv", heads}}});
  int64_t bytes = type.getElementType().getIntOrFloatBitWidth() / 8;
  return json::Object{
      {"kind", "tensor_map"},
      {"tensor", name.str()},
      {"element", elementName(type.getElementType())},
      {"box", json::Array{slot.getSwizzle() / bytes,
                          slot.getRows() / heads / shares, heads, 1}},
      {"swizzle", slot.getSwizzle()}};
}

/// Copies through buffer descriptors address a tile's rows by unsigned 32-bit
/// offsets within a buffer of 2 GiB that begins at its first row
/// (codegen/amdgpu/CopyPatterns.cpp): what lies outside reads as zeros, without
/// a fault.
static void addBufferRules(StringRef name, BlockArgument argument,
                           int64_t alignment, json::Array &rules) {
  constexpr int64_t kBufferBytes = int64_t(1) << 31, kBufferAlignment = 4;
  int64_t bytes = cast<tile::GlobalType>(argument.getType())
                      .getElementType()
                      .getIntOrFloatBitWidth() /
                  8;
  int64_t most = std::numeric_limits<int64_t>::max();
  for (Operation *user : argument.getUsers())
    if (auto copy = dyn_cast<tile::CopyOp>(user)) {
      tile::SharedType slot = copy.getPipe().getType().getSlot();
      int64_t room = kBufferBytes - slot.getCols() * bytes;
      most = std::min(
          most, room / (std::max<int64_t>(slot.getRows() - 1, 1) * bytes));
    }
  if (most == std::numeric_limits<int64_t>::max() ||
      alignment < kBufferAlignment)
    return;
  std::string stride = name.str() + ".stride.row";
  rules.push_back(json::Object{{"at_least", json::Array{stride, 0}}});
  rules.push_back(json::Object{{"at_most", json::Array{stride, most}}});
}

llvm::Expected<json::Object> attn_jit::describeLaunch(tile::KernelOp kernel,
                                                      const TargetInfo &chip) {
  const TargetInfo &target = unitsOf(kernel, chip);
  json::Array arguments, grid, captured;
  json::Array rules{
      json::Object{{"multiple", json::Array{"q_heads", "kv_heads"}}}};
  auto align = kernel->getAttrOfType<IntegerAttr>(kAlignAttr);
  int64_t alignment = align ? align.getInt() : 16;
  int64_t workspace = 0;
  json::Object manifest;
  for (BlockArgument argument : kernel.getArguments()) {
    std::string name = kernel.getArgName(argument.getArgNumber()).str();
    if (isa<tile::CounterType>(argument.getType())) {
      constexpr int64_t kCounterBytes = 4;
      workspace += kCounterBytes;
      arguments.push_back(json::Object{{"kind", "pointer"}, {"tensor", name}});
      rules.push_back(
          json::Object{{"pointer_aligned", json::Array{name, kCounterBytes}}});
      continue;
    }
    auto global = dyn_cast<tile::GlobalType>(argument.getType());
    if (!global) {
      arguments.push_back(json::Object{
          {"kind", elementName(argument.getType())}, {"value", name}});
      if (name == "q_len" || name == "kv_len")
        rules.push_back(
            json::Object{{"at_most", json::Array{name, attn::kMaxPosition}}});
      if (!llvm::is_contained(attn::kLaunchScalars, name))
        captured.push_back(name);
      continue;
    }
    if (name == "q" || name == "v")
      manifest[name == "q" ? "head_dim" : "value_dim"] = global.getCols();
    if (name == "q")
      manifest["dtype"] = elementName(global.getElementType());
    if (global.getAccess() == tile::Access::Bulk) {
      auto map = tensorMap(name, argument, kernel.getClusterSize(), rules);
      if (!map)
        return map.takeError();
      arguments.push_back(std::move(*map));
      continue;
    }
    arguments.push_back(json::Object{{"kind", "pointer"}, {"tensor", name}});
    int64_t bytes = global.getElementType().getIntOrFloatBitWidth() / 8;
    bool rows = name != "lse"; // one value a row: its row stride is 1
    for (StringRef dim : {"batch", "head", "row"}) {
      std::string stride = name + ".stride." + dim.str();
      if (dim == "row" && !rows)
        stride = "1";
      else if (rows && alignment > bytes)
        rules.push_back(
            json::Object{{"aligned", json::Array{stride, alignment / bytes}}});
      arguments.push_back(json::Object{{"kind", "i64"}, {"value", stride}});
    }
    // Each LSE is stored as one element, whatever the tensors' alignment.
    if (int64_t own = rows ? alignment : bytes; own > 1)
      rules.push_back(
          json::Object{{"pointer_aligned", json::Array{name, own}}});
    if (target.has(Capability::BufferCopies))
      addBufferRules(name, argument, alignment, rules);
  }
  for (Attribute rule : kernel.getGrid()) {
    auto parsed = gridRule(cast<StringAttr>(rule).getValue());
    if (!parsed)
      return parsed.takeError();
    grid.push_back(std::move(*parsed));
  }
  while (grid.size() < 3)
    grid.push_back(json::Object{{"value", "1"}});
  auto text = [&](StringRef attribute) -> std::string {
    auto value = kernel->getAttrOfType<StringAttr>(attribute);
    return value ? value.str() : "";
  };
  int64_t shared = 0;
  if (auto bytes = kernel->getAttrOfType<IntegerAttr>(kSharedBytesAttr))
    shared = target.has(Capability::LaunchedShared) ? bytes.getInt() : 0;
  manifest["format"] = "attn-jit.manifest.v1";
  manifest["target"] = target.name.str();
  manifest["kernel"] = kernel.getSymName().str();
  manifest["schedule"] = text(kScheduleAttr);
  manifest["mask"] = text(kMaskAttr);
  manifest["causal"] = text(kMaskAttr) == "causal";
  manifest["align"] = text(kPositionsAttr);
  if (std::string precision = text(kPrecisionAttr); !precision.empty())
    manifest["precision"] = std::move(precision);
  manifest["block"] = json::Array{kernel.getUnits() * target.unitThreads, 1, 1};
  manifest["grid"] = std::move(grid);
  manifest["cluster"] = json::Array{kernel.getClusterSize(), 1, 1};
  manifest["shared_bytes"] = shared;
  manifest["workspace_bytes"] = workspace;
  manifest["requires"] = std::move(rules);
  manifest["captured"] = std::move(captured);
  manifest["arguments"] = std::move(arguments);
  return manifest;
}
