// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which back end emits which image.
#include "codegen/Emit.h"
#include "codegen/amdgpu/EmitHsaco.h"
#include "codegen/cpu/EmitHost.h"
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
  EmittedImage result{"ptx", std::move(image->ptx), {}, 0};
  result.resources.source = "n/a (needs ptxas or a driver)";
  return result;
}

static llvm::Expected<EmittedImage> emitAmdgpu(mlir::ModuleOp lowered,
                                               const CompileOptions &options) {
  HsacoOptions own;
  own.target = options.target;
  if (options.observe) {
    own.observeLLVM = [&](llvm::StringRef text) {
      options.observe(Level::LLVM, text);
    };
    own.observeAsm = [&](llvm::StringRef text) {
      options.observe(Level::Asm, text);
    };
    own.observeObject = [&](llvm::StringRef bytes) {
      options.observe(Level::Object, bytes);
    };
  }
  auto image = emitHsaco(lowered, own);
  if (!image)
    return image.takeError();
  const HsacoResources &r = image->resources;
  EmittedImage result{"hsaco", std::move(image->object), {}, image->linkMs};
  result.resources = {r.vgprs, r.vgprSpills + r.sgprSpills, r.ldsBytes,
                      r.occupancy, "code object"};
  return result;
}

static llvm::Expected<EmittedImage> emitCpu(mlir::ModuleOp lowered,
                                            const CompileOptions &options) {
  auto level = lookupHostLevel(options.hostLevel);
  if (!level)
    return level.takeError();
  auto image = emitHost(lowered, {*level, bool(options.observe)});
  if (!image)
    return image.takeError();
  if (options.observe) {
    options.observe(Level::LLVM, image->llvmIR);
    options.observe(Level::Asm, image->assembly);
    options.observe(Level::Object, image->object);
  }
  EmittedImage result{
      "host", std::move(image->sharedObject), {}, image->linkMs};
  result.resources.source = "n/a (host code)";
  return result;
}

llvm::Expected<EmittedImage>
attn_jit::emitImage(mlir::ModuleOp lowered, const CompileOptions &options) {
  switch (options.target->backend) {
  case Backend::NVPTX:
    return emitNvptx(lowered, options);
  case Backend::AMDGPU:
    return emitAmdgpu(lowered, options);
  case Backend::Host:
    return emitCpu(lowered, options);
  }
  llvm_unreachable("back ends are all above");
}
