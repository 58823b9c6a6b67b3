// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Translation, optimisation and emission, the same for every back end.
#include "codegen/lower/Backend.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/ROCDL/ROCDLToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include <mutex>

using namespace llvm;
using namespace attn_jit;

namespace {
/// Keeps the first error that LLVM reports, which by default would end the
/// process.
struct FirstError : DiagnosticHandler {
  bool handleDiagnostics(const DiagnosticInfo &info) override {
    if (info.getSeverity() == DS_Error && text.empty()) {
      raw_string_ostream out(text);
      DiagnosticPrinterRawOStream printer(out);
      info.print(printer);
    }
    return true;
  }
  std::string text;
};
} // namespace

/// Not an inputError: what reaches a back end has passed every check of what a
/// user gives.
template <typename... Args>
static Error failed(const char *format, const Args &...args) {
  return createStringError(formatv(format, args...).str());
}

static void initializeBackends() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    LLVMInitializeAMDGPUTargetInfo();
    LLVMInitializeAMDGPUTarget();
    LLVMInitializeAMDGPUTargetMC();
    LLVMInitializeAMDGPUAsmPrinter();
    LLVMInitializeAMDGPUAsmParser();
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
  });
}

Expected<std::unique_ptr<TargetMachine>>
attn_jit::createTargetMachine(const TargetSpec &spec) {
  initializeBackends();
  Triple triple(spec.triple);
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return failed("back end for '{0}': {1}", spec.triple, error);
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Fast;
  std::unique_ptr<TargetMachine> machine(target->createTargetMachine(
      triple, spec.cpu, spec.features, options, Reloc::PIC_, std::nullopt,
      CodeGenOptLevel::Aggressive));
  if (!machine)
    return failed("back end for '{0}': no machine for '{1}'", spec.triple,
                  spec.cpu);
  return machine;
}

Expected<std::unique_ptr<Module>>
attn_jit::translateToLLVM(mlir::ModuleOp module, LLVMContext &context,
                          const TargetMachine &machine) {
  mlir::DialectRegistry registry;
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::registerNVVMDialectTranslation(registry);
  mlir::registerROCDLDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);
  context.setDiagnosticHandler(std::make_unique<FirstError>());
  std::string first;
  mlir::ScopedDiagnosticHandler handler(module.getContext(),
                                        [&](mlir::Diagnostic &diagnostic) {
                                          if (first.empty())
                                            first = diagnostic.str();
                                          return mlir::success();
                                        });
  std::unique_ptr<Module> result =
      mlir::translateModuleToLLVMIR(module, context);
  if (!result)
    return failed("translation to LLVM IR: {0}", first);
  result->setTargetTriple(machine.getTargetTriple());
  result->setDataLayout(machine.createDataLayout());
  return result;
}

void attn_jit::runPasses(
    Module &module, TargetMachine &machine,
    function_ref<void(PassBuilder &, ModulePassManager &)> build,
    const PassSettings &settings) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager sccs;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine, settings.tuning);
  TargetLibraryInfoImpl library(module.getTargetTriple());
  library.disableAllFunctions();
  if (!settings.libraryCalls)
    functions.registerPass([&] { return TargetLibraryAnalysis(library); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  ModulePassManager passes;
  build(builder, passes);
  passes.run(module, modules);
}

void attn_jit::optimize(Module &module, TargetMachine &machine) {
  runPasses(
      module, machine, [](PassBuilder &builder, ModulePassManager &passes) {
        passes = builder.buildPerModuleDefaultPipeline(OptimizationLevel::O3);
      });
}

void attn_jit::optimizeStraightLine(Module &module, TargetMachine &machine) {
  runPasses(module, machine,
            [](PassBuilder &builder, ModulePassManager &passes) {
              cantFail(builder.parsePassPipeline(
                  passes, "function(early-cse,instcombine<max-iterations=1;"
                          "no-verify-fixpoint>,simplifycfg,loop-simplify,"
                          "lcssa,loop-mssa(licm),early-cse)"));
            });
}

Expected<std::string> attn_jit::emit(Module &module, TargetMachine &machine,
                                     CodeGenFileType kind) {
  SmallString<0> bytes;
  raw_svector_ostream os(bytes);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr, kind))
    return failed("back end for '{0}' cannot emit this kind of file",
                  machine.getTargetTriple().str());
  passes.run(module);
  auto *handler =
      static_cast<const FirstError *>(module.getContext().getDiagHandlerPtr());
  if (!handler->text.empty())
    return failed("back end for '{0}': {1}", machine.getTargetTriple().str(),
                  handler->text);
  return std::string(bytes);
}

std::string attn_jit::printLLVM(const Module &module) {
  std::string text;
  raw_string_ostream os(text);
  module.print(os, nullptr);
  return text;
}
