// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which back end emits which image.
#include "codegen/Emit.h"
#include "codegen/nvptx/EmitPtx.h"

using namespace attn_jit;

static llvm::Expected<EmittedImage> emitNvptx(mlir::ModuleOp lowered,
                                              const CompileOptions &options) {
  auto image = emitPtx(lowered, *options.target, bool(options.observe));
  if (!image)
    return image.takeError();
  if (options.observe) {
    options.observe(Level::LLVM, image->llvm);
    options.observe(Level::Asm, image->ptx);
  }
  EmittedImage result{"ptx", std::move(image->ptx), {}};
  result.resources.source = "n/a (needs ptxas or a driver)";
  return result;
}

llvm::Expected<EmittedImage>
attn_jit::emitImage(mlir::ModuleOp lowered, const CompileOptions &options) {
  switch (options.target->backend) {
  case Backend::NVPTX:
    return emitNvptx(lowered, options);
  default:
    return inputError("target: '{0}' given, this build has no back end for it",
                      options.target->name);
  }
}
