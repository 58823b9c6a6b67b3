// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Translation, optimisation, code generation and link of one kernel.
#include "codegen/amdgpu/EmitHsaco.h"
#include "codegen/lower/Backend.h"
#include "codegen/lower/Link.h"
#include "codegen/lower/Stopwatch.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "llvm/Transforms/Scalar/Scalarizer.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace mlir;
using namespace attn_jit;
using llvm::Error;

namespace {
/// What ROCm 5.x and later load; LLVM's own default is newer.
constexpr int kCodeObjectVersion = 500;

Error problem(const llvm::Twine &what) {
  return llvm::createStringError("amdgpu: " + what);
}

/// One value an element, pairs of 16-bit ones aside. A uniform vector would be
/// kept in as many scalar registers, copies of one number, and those run out
/// first. Last of all passes: the others are faster on vectors.
void scalarize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::ScalarizerPassOptions options;
  options.ScalarizeMinBits = 32;
  options.ScalarizeLoadStore = false;
  runPasses(module, machine,
            [&](llvm::PassBuilder &, llvm::ModulePassManager &passes) {
              passes.addPass(llvm::createModuleToFunctionPassAdaptor(
                  llvm::ScalarizerPass(options)));
            });
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
  llvm::Expected<std::string> name = kernelName(module);
  if (!name)
    return name.takeError();
  auto machine =
      createTargetMachine({"amdgcn-amd-amdhsa", options.target->name.str(),
                           options.target->features.str()});
  if (!machine)
    return machine.takeError();
  llvm::LLVMContext context;
  auto code = translateToLLVM(module, context, **machine);
  if (!code)
    return code.takeError();
  (*code)->addModuleFlag(llvm::Module::Error, "amdhsa_code_object_version",
                         kCodeObjectVersion);
  optimize(**code, **machine);
  scalarize(**code, **machine);
  if (options.observeLLVM)
    options.observeLLVM(printLLVM(**code));
  if (options.observeAsm) {
    // Code generation changes the module, so the text comes from a copy.
    std::unique_ptr<llvm::Module> copy = llvm::CloneModule(**code);
    auto text = emit(*copy, **machine, llvm::CodeGenFileType::AssemblyFile);
    if (!text)
      return text.takeError();
    options.observeAsm(*text);
  }
  auto object = emit(**code, **machine, llvm::CodeGenFileType::ObjectFile);
  if (!object)
    return object.takeError();
  if (options.observeObject)
    options.observeObject(*object);
  HsacoImage image;
  image.kernel = *name;
  Stopwatch watch;
  auto linked = linkShared(*object);
  if (!linked)
    return linked.takeError();
  image.linkMs = watch.lap();
  image.object = std::move(*linked);
  auto resources =
      readHsacoResources(image.object, image.kernel, options.target->name);
  if (!resources)
    return resources.takeError();
  image.resources = *resources;
  return image;
}
