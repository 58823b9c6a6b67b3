// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One kernel through the ladder: tile, lowered, machine code, manifest.
#include "codegen/Codegen.h"
#include "codegen/Emit.h"
#include "codegen/cpu/EmitHost.h"
#include "codegen/lower/GpuTarget.h"
#include "codegen/lower/Stopwatch.h"
#include "dialect/Description.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Config/llvm-config.h"

using namespace mlir;
using namespace attn_jit;

namespace {
/// An error once nobody waits for the kernel any more.
llvm::Error checkWanted(const CompileOptions &options) {
  if (options.calledOff && options.calledOff())
    return llvm::createStringError("kernel: called off");
  return llvm::Error::success();
}

/// Runs passes; a failure is the first diagnostic's text.
llvm::Error runPasses(ModuleOp module, const CompileOptions &options,
                      void (*build)(OpPassManager &, const CompileOptions &)) {
  if (llvm::Error error = checkWanted(options))
    return error;
  std::string first;
  ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &d) {
    if (first.empty() && d.getSeverity() == DiagnosticSeverity::Error)
      first = d.str();
    return success();
  });
  PassManager passes(module.getContext());
  // What is parsed is verified there, and what the builders write is verified
  // by the tests that parse it again; here, verification is a quarter of the
  // passes' time.
  passes.enableVerifier(false);
  if (options.configure)
    options.configure(passes);
  build(passes, options);
  if (failed(passes.run(module)))
    return first.empty() ? llvm::createStringError("a pass failed")
                         : inputError("{0}", first);
  return llvm::Error::success();
}
} // namespace

/// The part of a description that its image depends on: strides are launch
/// arguments, so the layouts of one class share an image.
static std::string layoutClassText(std::string source) {
  static constexpr llvm::StringLiteral kName = "#attn.layout<bhsd>",
                                       kClass = "#attn.layout<bshd>";
  for (size_t at = 0; (at = source.find(kName, at)) != std::string::npos;)
    source.replace(at, kName.size(), kClass);
  return source;
}

static bool usesTensorMaps(const llvm::json::Object &manifest) {
  return llvm::any_of(*manifest.getArray("arguments"), [](auto &argument) {
    return argument.getAsObject()->getString("kind") == "tensor_map";
  });
}

static std::string keyOf(StringRef source, const CompileOptions &options,
                         StringRef schedule) {
  return llvm::formatv("attn-jit {0}\nllvm {1}\ntarget {2}{3}\nalign {4}\n"
                       "debug-info {5}\nschedule {6}\n{7}",
                       ATTN_JIT_VERSION, LLVM_VERSION_STRING,
                       options.target->name,
                       options.target->has(Capability::HostLevels)
                           ? " " + options.hostLevel
                           : std::string(),
                       options.alignment, options.debugInfo ? "on" : "off",
                       schedule, source)
      .str();
}

llvm::Expected<CompiledKernel> attn_jit::compile(ModuleOp module,
                                                 const CompileOptions &given) {
  CompileOptions options = given;
  if (options.target->has(Capability::HostLevels)) {
    auto level = lookupHostLevel(
        options.hostLevel.empty() ? "native" : StringRef(options.hostLevel));
    if (!level)
      return level.takeError();
    options.hostLevel = (*level)->name.str();
  }
  DialectRegistry registry;
  registerDialects(registry);
  module.getContext()->appendDialectRegistry(registry);
  module.getContext()->loadAllAvailableDialects();
  auto observe = [&](Level level) {
    if (!options.observe)
      return;
    std::string text;
    llvm::raw_string_ostream os(text);
    module.print(os, OpPrintingFlags().useLocalScope());
    options.observe(level, text);
  };
  Stopwatch watch;
  CompiledKernel result;
  std::string source = canonicalText(module);
  observe(Level::Attn);
  if (llvm::Error error = runPasses(module, options, buildTilePipeline))
    return error;
  auto kernel = findKernel(module);
  if (!kernel)
    return kernel.takeError();
  if (options.alignment != 16)
    (*kernel)->setAttr(
        kAlignAttr,
        Builder(module.getContext()).getI64IntegerAttr(options.alignment));
  observe(Level::Tile);
  if (llvm::Error error = runPasses(module, options, buildPlacingPipeline))
    return error;
  auto manifest = describeLaunch(*kernel, *options.target);
  if (!manifest)
    return manifest.takeError();
  result.kernel = kernel->getSymName().str();
  result.manifest = std::move(*manifest);
  result.schedule = result.manifest["schedule"].getAsString()->str();
  // A kernel written by hand passed no schedule's verifier.
  if (options.alignment < 16 && usesTensorMaps(result.manifest))
    return tensorMapError(options.alignment, result.schedule);
  result.key = keyOf(layoutClassText(source), options, result.schedule);
  if (llvm::Error error = runPasses(module, options, buildLoweringPipeline))
    return error;
  observe(Level::Lowered);
  result.times.mlirMs = watch.lap();

  if (llvm::Error error = checkWanted(options))
    return error;
  auto emitted = emitImage(module, options);
  if (!emitted)
    return emitted.takeError();
  // Until here somebody else's kernel may have come.
  if (llvm::Error error = checkWanted(options))
    return error;
  result.times.linkMs = emitted->linkMs;
  result.times.llvmMs = watch.lap() - emitted->linkMs;
  result.imageKind = std::move(emitted->kind);
  result.image = std::move(emitted->image);
  result.resources = std::move(emitted->resources);
  result.manifest["key"] = result.key;
  result.manifest["description"] = source;
  result.manifest["image"] = llvm::json::Object{{"kind", result.imageKind}};
  auto known = [](auto value) {
    return value ? llvm::json::Value(*value) : llvm::json::Value(nullptr);
  };
  if (options.target->has(Capability::HostLevels)) {
    llvm::json::Array features;
    for (StringRef feature : (*lookupHostLevel(options.hostLevel))->features)
      features.push_back(feature.str());
    result.manifest["features"] = std::move(features);
  }
  const ResourceReport &r = result.resources;
  result.manifest["resources"] =
      llvm::json::Object{{"registers", known(r.registers)},
                         {"spills", known(r.spills)},
                         {"shared_bytes", known(r.sharedBytes)},
                         {"occupancy", known(r.occupancy)},
                         {"source", r.source}};
  return result;
}
