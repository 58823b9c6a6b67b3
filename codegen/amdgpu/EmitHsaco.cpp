// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Translation, optimisation, code generation and link of one kernel. What LLVM
// reports as an error becomes ours; nothing is printed.
#include "codegen/amdgpu/EmitHsaco.h"
#include "codegen/lower/Backend.h"
#include "codegen/lower/Link.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/Scalar/Scalarizer.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include <chrono>

using namespace mlir;
using namespace attn_jit;
using llvm::Error;

namespace {
/// What ROCm 5.x and later load; LLVM's own default is newer.
constexpr int kCodeObjectVersion = 500;

Error problem(const llvm::Twine &what) {
  return llvm::createStringError("amdgpu: " + what);
}

double since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - start)
      .count();
}

/// A pair of 16-bit values is put together by one v_perm_b32, not by two moves
/// of halves, which is what gfx11 would do.
std::string featuresOf(const TargetInfo &info) {
  return info.name.starts_with("gfx11") ? "-real-true16" : "";
}

/// Keeps the first error that LLVM reports.
struct CollectErrors : llvm::DiagnosticHandler {
  explicit CollectErrors(std::string &text) : text(text) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (info.getSeverity() == llvm::DS_Error && text.empty()) {
      llvm::raw_string_ostream out(text);
      llvm::DiagnosticPrinterRawOStream printer(out);
      info.print(printer);
    }
    return true;
  }
  std::string &text;
};

/// One value an element, pairs of 16-bit ones aside. A uniform vector would be
/// kept in as many scalar registers, copies of one number, and those run out
/// first. Last of all passes: the others are faster on vectors.
void scalarize(llvm::Module &module) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  llvm::ScalarizerPassOptions options;
  options.ScalarizeMinBits = 32;
  options.ScalarizeLoadStore = false;
  llvm::ScalarizerPass pass(options);
  for (llvm::Function &function : module)
    if (!function.isDeclaration())
      pass.run(function, functions);
}

llvm::Expected<std::string> kernelName(ModuleOp module) {
  std::string name;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    if (!function->hasAttr(ROCDL::ROCDLDialect::getKernelFuncAttrName()))
      continue;
    if (!name.empty())
      return problem("the module holds more than one kernel: '" + name +
                     "' and '" + function.getSymName() + "'");
    name = function.getSymName();
  }
  if (name.empty())
    return problem("the module holds no kernel");
  return name;
}
} // namespace

llvm::Expected<HsacoImage> attn_jit::emitHsaco(ModuleOp module,
                                               const HsacoOptions &options) {
  auto start = std::chrono::steady_clock::now();
  llvm::Expected<std::string> name = kernelName(module);
  if (!name)
    return name.takeError();
  auto machine =
      createTargetMachine({"amdgcn-amd-amdhsa", options.target->name.str(),
                           featuresOf(*options.target)});
  if (!machine)
    return machine.takeError();

  std::string errors;
  llvm::LLVMContext context;
  context.setDiagnosticHandler(std::make_unique<CollectErrors>(errors));
  auto code = translateToLLVM(module, context, **machine);
  if (!code)
    return code.takeError();
  (*code)->addModuleFlag(llvm::Module::Error, "amdhsa_code_object_version",
                         kCodeObjectVersion);
  optimize(**code, **machine);
  scalarize(**code);
  if (options.observeLLVM)
    options.observeLLVM(printLLVM(**code));

  auto generate =
      [&](llvm::Module &from,
          llvm::CodeGenFileType kind) -> llvm::Expected<std::string> {
    auto bytes = emit(from, **machine, kind);
    if (bytes && !errors.empty())
      return problem(errors);
    return bytes;
  };
  if (options.observeAsm) {
    // Code generation changes the module, so the text comes from a copy.
    std::unique_ptr<llvm::Module> copy = llvm::CloneModule(**code);
    auto text = generate(*copy, llvm::CodeGenFileType::AssemblyFile);
    if (!text)
      return text.takeError();
    options.observeAsm(*text);
  }
  auto object = generate(**code, llvm::CodeGenFileType::ObjectFile);
  if (!object)
    return object.takeError();
  HsacoImage image;
  image.kernel = *name;
  image.llvmMs = since(start);

  start = std::chrono::steady_clock::now();
  auto linked = linkShared(*object);
  if (!linked)
    return linked.takeError();
  image.linkMs = since(start);
  image.object = std::move(*linked);
  auto resources =
      readHsacoResources(image.object, image.kernel, options.target->name);
  if (!resources)
    return resources.takeError();
  image.resources = *resources;
  return image;
}
