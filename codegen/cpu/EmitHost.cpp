// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM dialect to shared object. The kernels are vector code already, so LLVM's
// own vectorizers stay off, and it may not turn loops into calls of a C library
// that the image does not have.
#include "codegen/cpu/EmitHost.h"
#include "codegen/lower/Backend.h"
#include "codegen/lower/Link.h"
#include "codegen/lower/Stopwatch.h"
#include "dialect/attn/Schedule.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace attn_jit;

static constexpr llvm::StringLiteral kV3Features[] = {
    "avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe", "popcnt"};
static constexpr llvm::StringLiteral kV4Features[] = {
    "avx2",   "fma",     "f16c",     "bmi",      "bmi2",     "lzcnt",   "movbe",
    "popcnt", "avx512f", "avx512cd", "avx512vl", "avx512bw", "avx512dq"};
static constexpr HostLevel kLevels[] = {{"x86-64-v3", 256, kV3Features},
                                        {"x86-64-v4", 512, kV4Features}};

llvm::Expected<const HostLevel *>
attn_jit::lookupHostLevel(llvm::StringRef name) {
  if (name != "native") {
    for (const HostLevel &level : kLevels)
      if (level.name == name)
        return &level;
    return inputError("host level: '{0}' given, allowed: native, x86-64-v3, "
                      "x86-64-v4",
                      name);
  }
  llvm::StringMap<bool> has = llvm::sys::getHostCPUFeatures();
  for (const HostLevel &level : llvm::reverse(kLevels))
    if (llvm::all_of(level.features,
                     [&](llvm::StringRef f) { return has.lookup(f); }))
      return &level;
  return inputError("host level: native given, which this machine is below, "
                    "allowed here: x86-64-v3, x86-64-v4");
}

static llvm::Error failed(const llvm::Twine &text) {
  return llvm::createStringError("host image: " + text);
}

static void optimizeVectorCode(llvm::Module &module,
                               llvm::TargetMachine &machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopInterleaving = false;
  tuning.LoopUnrolling = false; // what gains by it is unrolled already
  // No memset, no memcpy: there is no C library to have them.
  runPasses(module, machine,
            [](llvm::PassBuilder &builder, llvm::ModulePassManager &passes) {
              passes = builder.buildPerModuleDefaultPipeline(
                  llvm::OptimizationLevel::O3);
            },
            {tuning, /*libraryCalls=*/false});
}

llvm::Expected<HostImage> attn_jit::emitHost(mlir::ModuleOp op,
                                             const HostOptions &options) {
  if (!options.level)
    return failed("no level given");
  auto machine = createTargetMachine(
      {"x86_64-unknown-linux-gnu", options.level->name.str(), ""});
  if (!machine)
    return machine.takeError();
  llvm::LLVMContext context;
  auto translated = translateToLLVM(op, context, **machine);
  if (!translated)
    return translated.takeError();
  llvm::Module *module = translated->get();
  for (llvm::Function &function : *module)
    if (!function.isDeclaration()) {
      function.addFnAttr("target-cpu", options.level->name);
      function.addFnAttr("no-builtins");
    }

  std::string broken;
  llvm::raw_string_ostream log(broken);
  if (llvm::verifyModule(*module, &log))
    return failed("LLVM IR is invalid:\n" + broken);
  optimizeVectorCode(*module, **machine);

  HostImage image;
  if (options.keepText) {
    image.llvmIR = printLLVM(*module);
    // Code generation changes the module.
    std::unique_ptr<llvm::Module> clone = llvm::CloneModule(*module);
    auto assembly =
        emit(*clone, **machine, llvm::CodeGenFileType::AssemblyFile);
    if (!assembly)
      return assembly.takeError();
    image.assembly = std::move(*assembly);
  }
  auto object = emit(*module, **machine, llvm::CodeGenFileType::ObjectFile);
  if (!object)
    return object.takeError();
  image.object = std::move(*object);
  Stopwatch watch;
  auto shared = linkShared(image.object);
  if (!shared)
    return shared.takeError();
  image.linkMs = watch.lap();
  image.sharedObject = std::move(*shared);
  return image;
}
