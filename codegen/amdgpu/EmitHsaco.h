// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A module of the LLVM dialect to an AMD code object, in this process: no ROCm,
// no device libraries, no assembler or linker on the machine.
#ifndef ATTN_JIT_CODEGEN_AMDGPU_EMITHSACO_H
#define ATTN_JIT_CODEGEN_AMDGPU_EMITHSACO_H

#include "codegen/amdgpu/HsacoResources.h"
#include "dialect/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include <functional>
#include <string>

namespace attn_jit {

struct HsacoOptions {
  const TargetInfo *target = nullptr;
  /// Receives the optimised LLVM IR, when set.
  std::function<void(llvm::StringRef)> observeLLVM;
  /// Receives the assembly text, when set.
  std::function<void(llvm::StringRef)> observeAsm;
  /// Receives the object before it is linked, when set.
  std::function<void(llvm::StringRef)> observeObject;
};

struct HsacoImage {
  std::string kernel; ///< Name of the one kernel.
  std::string object; ///< The code object's bytes, version 5.
  HsacoResources resources;
  double linkMs = 0;
};

/// `module` is in the LLVM and ROCDL dialects and holds one kernel.
llvm::Expected<HsacoImage> emitHsaco(mlir::ModuleOp module,
                                     const HsacoOptions &options);

} // namespace attn_jit

#endif
