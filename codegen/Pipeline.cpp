// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of the passes, and the registration of everything they need. The
// only place where that order is written.
#include "codegen/Codegen.h"
#include "codegen/Passes.h"
#include "codegen/cpu/EmitHost.h"
#include "dialect/Description.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace attn_jit;

void attn_jit::registerDialects(DialectRegistry &registry) {
  registry.insert<attn::AttnDialect, tile::TileDialect, arith::ArithDialect,
                  cf::ControlFlowDialect, func::FuncDialect, LLVM::LLVMDialect,
                  math::MathDialect, NVVM::NVVMDialect, ROCDL::ROCDLDialect,
                  scf::SCFDialect, vector::VectorDialect>();
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  registerConvertMathToLLVMInterface(registry);
  vector::registerConvertVectorToLLVMInterface(registry);
}

static int64_t vectorBits(const CompileOptions &options) {
  StringRef name = options.hostLevel;
  if (name.empty())
    name = "native";
  auto level = lookupHostLevel(name);
  if (level)
    return (*level)->vectorBits;
  llvm::consumeError(level.takeError()); // compile() has refused the name
  return 256;
}

void attn_jit::buildTilePipeline(OpPassManager &passes,
                                 const CompileOptions &options) {
  std::string target = options.target->name.str();
  passes.addPass(createAttnToTile({target, options.schedule, options.alignment,
                                   std::string(options.calls.keysName()),
                                   std::string(options.calls.rowsName())}));
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
}

void attn_jit::buildPlacingPipeline(OpPassManager &passes,
                                    const CompileOptions &options) {
  passes.addNestedPass<tile::KernelOp>(
      createTileAssignShared({options.target->name.str()}));
}

void attn_jit::buildLoweringPipeline(OpPassManager &passes,
                                     const CompileOptions &options) {
  std::string target = options.target->name.str();
  passes.addPass(createTileExpandMath(
      {/*keepTanh=*/options.target->has(Capability::TanhInstruction)}));
  switch (options.target->backend) {
  case Backend::NVPTX:
    passes.addPass(createTileToNVVM({target}));
    break;
  case Backend::AMDGPU:
    passes.addPass(createTileToROCDL({target}));
    break;
  case Backend::Host:
    passes.addPass(createTileToHost({vectorBits(options)}));
    break;
  }
  passes.addPass(createCSEPass());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  if (options.debugInfo)
    passes.addPass(LLVM::createDIScopeForLLVMFuncOpPass());
}

static StringRef nameOf(const TargetInfo &target) { return target.name; }

namespace {
struct PipelineOptions : PassPipelineOptions<PipelineOptions> {
  Option<std::string> target{*this, "target", llvm::cl::desc("Target name"),
                             llvm::cl::init("sm_90a")};
  Option<std::string> schedule{
      *this, "schedule", llvm::cl::desc("Schedule text"), llvm::cl::init("")};
};
} // namespace

void attn_jit::registerPasses() {
  registerAttnJitPasses();
  registerTransformsPasses();
  arith::registerArithPasses();
  registerSCFToControlFlowPass();
  registerConvertToLLVMPass();
  registerReconcileUnrealizedCastsPass();
  // Not PassPipelineRegistration, whose builder cannot refuse.
  registerPassPipeline(
      "attn-lower-kernel", "From an attn module to the target's LLVM dialect",
      [](OpPassManager &passes, StringRef text,
         llvm::function_ref<LogicalResult(const Twine &)> refuse) {
        PipelineOptions given;
        if (failed(given.parseFromString(text)))
          return refuse("attn-lower-kernel: '" + text +
                        "' given, allowed: target=NAME schedule=TEXT");
        CompileOptions options;
        options.target = lookupTarget(given.target);
        options.schedule = given.schedule;
        if (!options.target)
          return refuse(
              "target: '" + Twine(given.target) + "' given, allowed: " +
              llvm::join(llvm::map_range(allTargets(), nameOf), ", "));
        buildTilePipeline(passes, options);
        buildPlacingPipeline(passes, options);
        buildLoweringPipeline(passes, options);
        return success();
      },
      [](llvm::function_ref<void(const mlir::detail::PassOptions &)> show) {
        show(PipelineOptions());
      });
}
