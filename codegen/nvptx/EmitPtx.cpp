// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX text.
#include "codegen/nvptx/EmitPtx.h"
#include "codegen/lower/Backend.h"

using namespace attn_jit;

llvm::Expected<PtxImage> attn_jit::emitPtx(mlir::ModuleOp module,
                                           const TargetInfo &info,
                                           bool keepLLVM) {
  auto machine = createTargetMachine(
      {"nvptx64-nvidia-cuda", info.name.str(), info.features.str()});
  if (!machine)
    return machine.takeError();
  llvm::LLVMContext context;
  auto translated = translateToLLVM(module, context, **machine);
  if (!translated)
    return translated.takeError();
  // ptxas optimises again: at D128 full, O3 here gave the same registers and
  // spills, at two to three times these passes' time.
  optimizeStraightLine(**translated, **machine);
  PtxImage image;
  if (keepLLVM)
    image.llvm = printLLVM(**translated);
  auto ptx = emit(**translated, **machine, llvm::CodeGenFileType::AssemblyFile);
  if (!ptx)
    return ptx.takeError();
  image.ptx = std::move(*ptx);
  return image;
}
