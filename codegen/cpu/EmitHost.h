// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A lowered kernel as a host image: machine code in a shared object that needs
// no other library.
#ifndef ATTN_JIT_CODEGEN_CPU_EMITHOST_H
#define ATTN_JIT_CODEGEN_CPU_EMITHOST_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace attn_jit {

/// An x86-64 micro-architecture level. The name is in the image's key.
struct HostLevel {
  llvm::StringLiteral name; ///< "x86-64-v3", "x86-64-v4": also LLVM's CPU name
  int64_t vectorBits;
  /// All that code of this level may use and x86-64 with AVX2 need not have, in
  /// the manifest's `features`: a machine that lacks one refuses the image.
  llvm::ArrayRef<llvm::StringLiteral> features;
};

/// The level of that name, or the best of this machine for "native".
llvm::Expected<const HostLevel *> lookupHostLevel(llvm::StringRef name);

struct HostImage {
  std::string sharedObject;
  std::string object;
  std::string assembly; ///< when asked for
  std::string llvmIR;   ///< after optimisation, when asked for
  double linkMs = 0;
};

struct HostOptions {
  const HostLevel *level = nullptr;
  bool keepText = false; ///< assembly and LLVM IR too
};

/// `module` is in the LLVM dialect and refers to no other symbol.
llvm::Expected<HostImage> emitHost(mlir::ModuleOp module,
                                   const HostOptions &options);

} // namespace attn_jit

#endif
