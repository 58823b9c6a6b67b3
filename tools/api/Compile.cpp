// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The public compile() over the compiler's own; the only unit of the API that
// sees MLIR. Each call has a context of its own, which is what makes it free of
// shared state.
#include "tools/api/Compile.h"
#include "codegen/Codegen.h"
#include "dialect/Description.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "tools/api/Dump.h"
#include <chrono>

using namespace attn_jit;
using mlir::ModuleOp;
using OwningModule = mlir::OwningOpRef<ModuleOp>;

/// One line for the user; what follows it is a log. The input's fault only
/// where it was made by inputError().
static rt::Error faultOf(llvm::Error error) {
  std::string text;
  bool ofInput = false;
  llvm::handleAllErrors(std::move(error), [&](const llvm::ErrorInfoBase &info) {
    text = info.message();
    ofInput = info.convertToErrorCode() == std::errc::invalid_argument;
  });
  auto [line, rest] = llvm::StringRef(text).split('\n');
  rt::Error fault = ofInput ? rt::badInput(line.str()) : rt::failed(line.str());
  fault.log = rest.str();
  return fault;
}

static double millisecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - start)
      .count();
}

static rt::Result<AttentionDescription>
toDialect(const api::Description &description) {
  AttentionDescription own;
  own.headDim = description.headDim;
  own.valueDim = description.valueDimOrHead();
  switch (description.element) {
  case api::Element::F32:
    own.element = ElementKind::F32;
    break;
  case api::Element::F16:
    own.element = ElementKind::F16;
    break;
  case api::Element::BF16:
    own.element = ElementKind::BF16;
    break;
  }
  own.layout = description.layout == api::Layout::BSHD ? attn::Layout::BSHD
                                                       : attn::Layout::BHSD;
  own.align = description.align == api::Align::BottomRight
                  ? attn::Align::BottomRight
                  : attn::Align::TopLeft;
  own.causal = description.causal;
  own.lse = description.lse;
  own.precision = description.precision == api::Precision::IEEE
                      ? attn::Precision::IEEE
                      : attn::Precision::TF32;
  ATTN_TRY(own.score, api::scoreRegion(description));
  own.mask = description.mask;
  return own;
}

/// A module of any level; `name` is what locations call its file.
static llvm::Expected<OwningModule> parseText(llvm::StringRef text,
                                              llvm::StringRef name,
                                              mlir::MLIRContext &context) {
  if (llvm::Error error = checkNesting(text))
    return inputError("input: {0}", llvm::toString(std::move(error)));
  std::string first;
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        if (!first.empty())
          return mlir::success();
        if (auto at =
                llvm::dyn_cast<mlir::FileLineColLoc>(diagnostic.getLocation()))
          first = "line " + std::to_string(at.getLine()) + ": ";
        first += diagnostic.str();
        return mlir::success();
      });
  auto module = mlir::parseSourceString<ModuleOp>(
      text, mlir::ParserConfig(&context), name);
  if (!module)
    return inputError("input: {0}", first.empty() ? "no module" : first);
  if (!module->getOps<tile::KernelOp>().empty())
    return module;
  return parseModule(text, context);
}

static llvm::Expected<OwningModule>
readModule(const api::Description &description, mlir::MLIRContext &context) {
  if (!description.module.empty())
    return parseText(description.module, "input.mlir", context);
  auto own = toDialect(description);
  if (!own)
    return inputError("{0}", own.error().text);
  return buildModule(*own, context);
}

static std::string printed(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, mlir::OpPrintingFlags().useLocalScope());
  return text;
}

/// The tile kernel, written out and read again, so that each op's location is
/// its line in that text.
static llvm::Expected<OwningModule> withTileLines(OwningModule module,
                                                  const CompileOptions &options,
                                                  llvm::StringRef file) {
  std::string first;
  mlir::MLIRContext *context = module->getContext();
  {
    mlir::ScopedDiagnosticHandler handler(context, [&](mlir::Diagnostic &d) {
      if (first.empty())
        first = d.str();
      return mlir::success();
    });
    mlir::PassManager passes(context);
    buildTilePipeline(passes, options);
    if (mlir::failed(passes.run(*module)))
      return inputError("{0}", first);
  }
  return parseText(printed(*module), file, *context);
}

static bool hasKernel(ModuleOp module) {
  return !module.getOps<tile::KernelOp>().empty();
}

static bool ownSchedule(ModuleOp module) {
  if (hasKernel(module))
    return true;
  auto forward = findForward(module);
  if (!forward) {
    llvm::consumeError(forward.takeError());
    return false;
  }
  return bool(forward->getSchedule());
}

static rt::ImageKind kindOf(llvm::StringRef name) {
  if (name == "ptx")
    return rt::ImageKind::Ptx;
  if (name == "hsaco")
    return rt::ImageKind::Hsaco;
  return rt::ImageKind::Host;
}

static std::string prettyJson(llvm::json::Object object) {
  return llvm::formatv("{0:2}\n", llvm::json::Value(std::move(object))).str();
}

const std::string &api::compilerIdentity() {
  return attn_jit::compilerIdentity();
}

rt::Result<std::string> api::canonicalText(const Description &description) {
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  auto module = readModule(description, context);
  if (!module)
    return faultOf(module.takeError());
  return printed(**module);
}

std::string_view api::imageSuffix(rt::ImageKind kind) {
  switch (kind) {
  case rt::ImageKind::Ptx:
    return ".ptx";
  case rt::ImageKind::Cubin:
    return ".cubin";
  case rt::ImageKind::Hsaco:
    return ".hsaco";
  case rt::ImageKind::Host:
    return ".so";
  }
  return "";
}

rt::Result<api::Compiled> api::compile(const Description &description,
                                       const CompileOptions &options) {
  const auto start = std::chrono::steady_clock::now();
  ATTN_CHECK(checkTarget(options.target));
  mlir::DialectRegistry registry;
  registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  auto module = readModule(description, context);
  if (!module)
    return faultOf(module.takeError());

  attn_jit::CompileOptions own;
  own.target = lookupTarget(options.target);
  own.hostLevel = options.hostLevel;
  own.alignment = options.alignment;
  own.calls = options.calls;
  own.debugInfo = options.debugInfo;
  own.calledOff = options.calledOff;
  own.schedule = options.schedule;
  Compiled result;
  result.target = options.target;
  const bool hasOwn = ownSchedule(**module);
  result.scheduleSource = !options.schedule.empty() ? "flag"
                          : hasOwn                  ? "module"
                                                    : "default";
  result.stem = stemOf(printed(**module), options);
  const Dump dump(options, result.stem);
  if (auto replaced = dump.replacement(".mlir")) {
    module = parseText(replaced->text, replaced->path, context);
    if (!module)
      return faultOf(module.takeError());
    result.scheduleSource = "override";
    // The flag is of the kernel that is replaced.
    if (hasKernel(**module))
      own.schedule.clear();
  }
  std::string attnText;
  if (options.debugInfo) {
    attnText = printed(**module);
    module = withTileLines(std::move(*module), own, options.debugFile);
    own.schedule.clear(); // obeyed, or refused
    if (!module)
      return faultOf(module.takeError());
  }
  if (options.keepLevels || dump.writes())
    own.observe = [&](attn_jit::Level level, llvm::StringRef text) {
      if (size_t(level) < levelCount)
        result.levels[size_t(level)] = text.str();
    };
  auto kernel = attn_jit::compile(**module, own);
  if (!kernel) {
    rt::Error fault = faultOf(kernel.takeError());
    // Others are a back end's and a linker's, which files and memory may fail.
    if (fault.code == rt::ErrorCode::BadInput)
      fault.code = rt::ErrorCode::Unsupported;
    return fault;
  }
  if (!attnText.empty()) {
    kernel->manifest["description"] = attnText;
    result.levels[size_t(Level::Attn)] = attnText;
  }
  result.kind = kindOf(kernel->imageKind);
  result.image = std::move(kernel->image);
  if (auto replaced = dump.replacement(imageSuffix(result.kind)))
    result.image = std::move(replaced->text);
  result.key = std::move(kernel->key);
  result.schedule = std::move(kernel->schedule);
  result.kernel = std::move(kernel->kernel);
  result.resources.registers = kernel->resources.registers;
  result.resources.spills = kernel->resources.spills;
  result.resources.sharedBytes = kernel->resources.sharedBytes;
  result.resources.occupancy = kernel->resources.occupancy;
  result.resources.source = kernel->resources.source;
  // What the launch asks for is known even where no tool is.
  if (!result.resources.sharedBytes && result.kind == rt::ImageKind::Ptx)
    result.resources.sharedBytes =
        kernel->manifest.getInteger("shared_bytes").value_or(0);
  kernel->manifest["schedule_source"] = result.scheduleSource;
  kernel->manifest["image"] = llvm::json::Object{
      {"kind", kernel->imageKind},
      {"file", result.stem + std::string(imageSuffix(result.kind))}};
  result.manifest = prettyJson(std::move(kernel->manifest));
  result.times.llvmMs = kernel->times.llvmMs;
  result.times.linkMs = kernel->times.linkMs;
  result.times.totalMs = millisecondsSince(start);
  result.times.mlirMs =
      result.times.totalMs - result.times.llvmMs - result.times.linkMs;
  ATTN_CHECK(dump.write(result));
  return result;
}

std::string api::manifestFor(const Compiled &compiled,
                             const std::string &file) {
  auto parsed = llvm::json::parse(compiled.manifest);
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return compiled.manifest;
  }
  llvm::json::Object &manifest = *parsed->getAsObject();
  auto known = [](auto value) {
    return value ? llvm::json::Value(*value) : llvm::json::Value(nullptr);
  };
  const rt::Resources &r = compiled.resources;
  manifest["resources"] =
      llvm::json::Object{{"registers", known(r.registers)},
                         {"spills", known(r.spills)},
                         {"shared_bytes", known(r.sharedBytes)},
                         {"occupancy", known(r.occupancy)},
                         {"source", r.source}};
  manifest["image"] = llvm::json::Object{
      {"kind", std::string(rt::name(compiled.kind))}, {"file", file}};
  return prettyJson(std::move(manifest));
}
