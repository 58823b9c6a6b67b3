// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass: tile ops to LLVM, NVVM and inline PTX; what remains is scf, arith,
// math and vector on values of LLVM types.
#include "codegen/Passes.h"
#include "codegen/lower/Legality.h"
#include "codegen/nvptx/NvptxTarget.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"

namespace attn_jit {
#define GEN_PASS_DEF_TILETONVVM
#include "codegen/Passes.h.inc"
} // namespace attn_jit

using namespace mlir;
using namespace attn_jit;

namespace {
struct TileToNVVM : attn_jit::impl::TileToNVVMBase<TileToNVVM> {
  using TileToNVVMBase::TileToNVVMBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    MLIRContext *context = &getContext();
    const TargetInfo *info = lookupTarget(target);
    if (!info || info->backend != Backend::NVPTX) {
      module.emitError() << "target '" << target << "' is not an NVPTX target";
      return signalPassFailure();
    }
    // One lowering has units of one kind.
    const TargetInfo *chip = info;
    for (auto kernel : module.getOps<tile::KernelOp>())
      info = &unitsOf(kernel, *chip);
    for (auto kernel : module.getOps<tile::KernelOp>()) {
      if (&unitsOf(kernel, *chip) != info) {
        kernel.emitError() << "has other units than the kernels beside it";
        return signalPassFailure();
      }
      if (failed(verifyLegal(kernel, *info)))
        return signalPassFailure();
    }
    OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
    LLVM::GlobalOp::create(
        b, module.getLoc(), LLVM::LLVMArrayType::get(b.getI8Type(), 0),
        /*isConstant=*/false, LLVM::Linkage::External, kSharedSymbol,
        Attribute(), /*alignment=*/1024, /*addrSpace=*/3);

    NvptxTarget nvptx(*info);
    GpuTypeConverter converter(context, nvptx);
    // A direct tensor arrives as its four fields.
    auto pack = [](OpBuilder &builder, Type type, ValueRange fields,
                   Location loc) -> Value {
      auto structType = dyn_cast<LLVM::LLVMStructType>(type);
      if (!structType || fields.size() != structType.getBody().size())
        return {};
      Value packed = LLVM::PoisonOp::create(builder, loc, structType);
      for (auto [i, field] : llvm::enumerate(fields))
        packed = LLVM::InsertValueOp::create(builder, loc, packed, field,
                                             int64_t(i));
      return packed;
    };
    converter.addTargetMaterialization(pack);

    RewritePatternSet patterns(context);
    ConversionTarget legal(*context);
    legal.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    legal.addIllegalDialect<tile::TileDialect>();
    legal.addIllegalOp<math::Exp2Op, math::Log2Op, math::TanhOp>();
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                         legal);
    populateFragmentPatterns(converter, patterns);
    populateMapPatterns(converter, patterns);
    populateMemoryPatterns(converter, patterns);
    populatePipePatterns(converter, patterns);
    populateNvptxKernelPatterns(converter, patterns);
    populateNvptxClusterPatterns(converter, patterns);
    populateNvptxPipePatterns(converter, patterns);
    populateNvptxMailPatterns(converter, patterns);
    if (info->has(Capability::AsyncMatrixProduct))
      populateWgmmaPatterns(converter, patterns);
    else
      populateWarpMmaPatterns(converter, patterns);
    if (info->has(Capability::Tf32Product))
      populateTf32MmaPatterns(converter, patterns);
    if (info->has(Capability::ThreadCopy)) {
      populateThreadPipePatterns(converter, patterns);
      populateThreadCopyPatterns(converter, patterns);
    }
    populateNvptxCastPatterns(converter, patterns);
    populateNvptxDelayPatterns(converter, patterns);
    populateNvptxDrawPatterns(converter, patterns);
    populateNvptxMathPatterns(converter, patterns);
    populateNvptxStorePatterns(converter, patterns);
    if (failed(applyPartialConversion(module, legal, std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
