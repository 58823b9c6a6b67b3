// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The seam between the ladder and the back ends: a lowered module becomes an
// image.
#ifndef ATTN_JIT_CODEGEN_EMIT_H
#define ATTN_JIT_CODEGEN_EMIT_H

#include "codegen/Codegen.h"

namespace attn_jit {

struct EmittedImage {
  std::string kind; ///< ptx, hsaco, host
  std::string image;
  ResourceReport resources;
  double linkMs = 0;
};

/// By the back end of `options.target`.
llvm::Expected<EmittedImage> emitImage(mlir::ModuleOp lowered,
                                       const CompileOptions &options);

} // namespace attn_jit

#endif
