// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile-to-rocdl: what the targets cannot do is refused first, by name; then
// each kernel becomes an llvm.func whose tile ops convert one at a time.
#include "codegen/Passes.h"
#include "codegen/amdgpu/AmdTarget.h"
#include "codegen/lower/Legality.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"

namespace attn_jit {
#define GEN_PASS_DEF_TILETOROCDL
#include "codegen/Passes.h.inc"
} // namespace attn_jit

using namespace mlir;
using namespace attn_jit;

namespace {
//===-- barriers ----------------------------------------------------------===//

/// Whether `op` lowers to a barrier of the workgroup.
bool isMeeting(Operation *op) {
  return isa<tile::BarrierOp, tile::PipeAcquireOp, tile::PipeCommitOp>(op);
}

/// Of meetings with no access to memory in between, one is enough.
void mergeMeetings(tile::KernelOp kernel) {
  SmallVector<Operation *> redundant;
  kernel.walk([&](Block *block) {
    bool met = false;
    for (Operation &op : *block) {
      if (isMeeting(&op)) {
        if (met)
          redundant.push_back(&op);
        met = true;
      } else if (!isPure(&op)) {
        met = false;
      }
    }
  });
  for (Operation *op : redundant)
    op->erase();
}

//===-- the kernel --------------------------------------------------------===//

/// Workgroups are of exactly this size, f32 denormals are flushed (so exp2,
/// log2 and division are one instruction each), inputs are finite or quiet.
void setKernelAttributes(LLVM::LLVMFuncOp function, tile::KernelOp kernel,
                         const TargetInfo &info) {
  Builder b(function.getContext());
  int64_t threads = kernel.getUnits() * info.unitThreads;
  std::string size = llvm::formatv("{0},{0}", threads);
  function->setAttr(ROCDL::ROCDLDialect::getKernelFuncAttrName(),
                    b.getUnitAttr());
  function->setAttr(ROCDL::ROCDLDialect::getFlatWorkGroupSizeAttrName(),
                    b.getStringAttr(size));
  function->setAttr(ROCDL::ROCDLDialect::getReqdWorkGroupSizeAttrName(),
                    b.getDenseI32ArrayAttr({int32_t(threads), 1, 1}));
  auto pair = [&](StringRef name, StringRef value) -> Attribute {
    return b.getStrArrayAttr({name, value});
  };
  SmallVector<Attribute> passthrough = {
      pair("denormal-fp-math-f32", "preserve-sign,preserve-sign")};
  function.setPassthroughAttr(b.getArrayAttr(passthrough));
  // What the patterns ask of the kernel after it has become a function.
  for (StringRef name : {StringRef("units"), StringRef(kAlignAttr)})
    if (Attribute value = kernel->getAttr(name))
      function->setAttr(name, value);
}

/// A direct tensor is passed as its base and three strides.
LLVM::LLVMFuncOp makeFunction(tile::KernelOp kernel, const TargetInfo &info,
                              const TypeConverter &converter) {
  MLIRContext *context = kernel.getContext();
  Location loc = kernel.getLoc();
  OpBuilder b(kernel);
  SmallVector<Type> types;
  for (Type type : kernel.getArgumentTypes()) {
    Type converted = converter.convertType(type);
    if (auto tensor = dyn_cast<LLVM::LLVMStructType>(converted))
      llvm::append_range(types, tensor.getBody());
    else
      types.push_back(converted);
  }
  auto function = LLVM::LLVMFuncOp::create(
      b, loc, kernel.getSymName(),
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), types));
  setKernelAttributes(function, kernel, info);

  Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  SmallVector<Value> arguments;
  unsigned next = 0;
  for (Type type : kernel.getArgumentTypes()) {
    auto tensor = dyn_cast<LLVM::LLVMStructType>(converter.convertType(type));
    if (!tensor) {
      arguments.push_back(entry->getArgument(next++));
      continue;
    }
    Value packed = LLVM::PoisonOp::create(b, loc, tensor);
    for (size_t i = 0; i < tensor.getBody().size(); ++i)
      packed = LLVM::InsertValueOp::create(b, loc, packed,
                                           entry->getArgument(next++), i);
    arguments.push_back(
        UnrealizedConversionCastOp::create(b, loc, type, packed).getResult(0));
  }
  Block &body = kernel.getBody().front();
  for (auto [from, to] : llvm::zip_equal(body.getArguments(), arguments))
    from.replaceAllUsesWith(to);
  entry->getOperations().splice(entry->end(), body.getOperations());
  Operation *end = entry->getTerminator();
  b.setInsertionPoint(end);
  LLVM::ReturnOp::create(b, end->getLoc(), ValueRange());
  end->erase();
  return function;
}

void makeSharedMemory(tile::KernelOp kernel) {
  OpBuilder b(kernel);
  int64_t bytes = kernel->getAttrOfType<IntegerAttr>(kSharedBytesAttr).getInt();
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes);
  LLVM::GlobalOp::create(
      b, kernel.getLoc(), type, /*isConstant=*/false, LLVM::Linkage::Internal,
      sharedGlobalName(kernel.getSymName()), Attribute(),
      /*alignment=*/16, ROCDL::ROCDLDialect::kSharedMemoryAddressSpace);
}

struct TileToROCDL : attn_jit::impl::TileToROCDLBase<TileToROCDL> {
  using TileToROCDLBase::TileToROCDLBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    const TargetInfo *info = lookupTarget(target);
    if (!info || info->backend != Backend::AMDGPU) {
      module.emitError() << "target: '" << target
                         << "' given, allowed: gfx942, gfx1100";
      return signalPassFailure();
    }
    for (auto kernel :
         llvm::make_early_inc_range(module.getOps<tile::KernelOp>()))
      if (failed(lower(kernel, *info)))
        return signalPassFailure();
  }

  LogicalResult lower(tile::KernelOp kernel, const TargetInfo &info) {
    if (failed(verifyLegal(kernel, info)))
      return failure();
    MLIRContext *context = &getContext();
    AmdTarget lanes(info, AmdTarget::dealFor(kernel));
    GpuTypeConverter converter(context, lanes);
    RewritePatternSet patterns(context);
    ConversionTarget legal(*context);
    populateFragmentPatterns(converter, patterns);
    populateMapPatterns(converter, patterns);
    populateMemoryPatterns(converter, patterns);
    populatePipePatterns(converter, patterns);
    populateAmdMatrixPatterns(converter, lanes, patterns);
    populateAmdScalarPatterns(converter, lanes, patterns);
    populateAmdCopyPatterns(converter, lanes, patterns);
    legal.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                         legal);
    legal.addIllegalDialect<tile::TileDialect>();
    legal.addDynamicallyLegalOp<arith::DivFOp>([](arith::DivFOp op) {
      return !getElementTypeOrSelf(op.getType()).isF32();
    });

    mergeMeetings(kernel);
    makeSharedMemory(kernel);
    LLVM::LLVMFuncOp function = makeFunction(kernel, info, converter);
    kernel.erase();
    return applyPartialConversion(function, legal, std::move(patterns));
  }
};
} // namespace
