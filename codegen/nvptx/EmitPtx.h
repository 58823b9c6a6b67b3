// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the LLVM dialect to PTX.
#ifndef ATTN_JIT_CODEGEN_NVPTX_EMITPTX_H
#define ATTN_JIT_CODEGEN_NVPTX_EMITPTX_H

#include "dialect/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <string>

namespace attn_jit {

struct PtxImage {
  std::string llvm; ///< optimised LLVM IR, when asked for
  std::string ptx;
};

llvm::Expected<PtxImage> emitPtx(mlir::ModuleOp module, const TargetInfo &info,
                                 bool keepLLVM);

} // namespace attn_jit

#endif
