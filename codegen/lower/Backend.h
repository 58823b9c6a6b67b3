// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every back end does with LLVM IR: translate, optimise at O3, emit.
#ifndef ATTN_JIT_CODEGEN_LOWER_BACKEND_H
#define ATTN_JIT_CODEGEN_LOWER_BACKEND_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>
#include <string>

namespace attn_jit {

struct TargetSpec {
  std::string triple, cpu, features;
};

/// A target machine of a back end this build has, or why not. Initialises the
/// back end once for the process.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const TargetSpec &spec);

/// LLVM dialect to LLVM IR for `machine`. What LLVM reports in `context` from
/// here on is not printed: the first error is that of `emit`.
llvm::Expected<std::unique_ptr<llvm::Module>>
translateToLLVM(mlir::ModuleOp module, llvm::LLVMContext &context,
                const llvm::TargetMachine &machine);

struct PassSettings {
  llvm::PipelineTuningOptions tuning;
  bool libraryCalls = true; ///< May loops become calls of a C library?
};

/// Runs what `build` gives with the analyses that it needs.
void runPasses(
    llvm::Module &module, llvm::TargetMachine &machine,
    llvm::function_ref<void(llvm::PassBuilder &, llvm::ModulePassManager &)>
        build,
    const PassSettings &settings = {});

/// The O3 pipeline.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);
/// The function passes that straight-line kernels need, at a third of O3's
/// time.
void optimizeStraightLine(llvm::Module &module, llvm::TargetMachine &machine);

llvm::Expected<std::string> emit(llvm::Module &module,
                                 llvm::TargetMachine &machine,
                                 llvm::CodeGenFileType kind);

std::string printLLVM(const llvm::Module &module);

} // namespace attn_jit

#endif
