// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel as a PTX entry, its roles as one if/else chain, and the few math
// ops that have an approximate PTX instruction but no LLVM lowering.
#include "codegen/lower/Constants.h"
#include "codegen/nvptx/NvptxTarget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>

using namespace mlir;
using namespace attn_jit;

namespace {
struct LowerKernel : GpuPattern<tile::KernelOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::KernelOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    MLIRContext *context = op.getContext();
    // A tensor map is passed by value; a direct tensor is four arguments.
    SmallVector<Type> types;
    SmallVector<unsigned> first, maps;
    for (Type type : op.getArgumentTypes()) {
      first.push_back(types.size());
      Type converted = convert(type);
      if (auto fields = dyn_cast<LLVM::LLVMStructType>(converted)) {
        llvm::append_range(types, fields.getBody());
        continue;
      }
      if (isa<tile::GlobalType>(type))
        maps.push_back(types.size());
      types.push_back(converted);
    }
    auto type =
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), types);
    auto function =
        LLVM::LLVMFuncOp::create(rewriter, loc, op.getSymName(), type);
    for (unsigned index : maps) {
      function.setArgAttr(
          index, "llvm.byval",
          TypeAttr::get(LLVM::LLVMArrayType::get(rewriter.getI8Type(), 128)));
      function.setArgAttr(index, "llvm.align", rewriter.getI64IntegerAttr(64));
      function.setArgAttr(index, "nvvm.grid_constant", rewriter.getUnitAttr());
    }
    int64_t threads = op.getUnits() * target.info.unitThreads;
    function->setAttr("nvvm.kernel", rewriter.getUnitAttr());
    function->setAttr("nvvm.reqntid",
                      rewriter.getDenseI32ArrayAttr({int32_t(threads), 1, 1}));
    // setmaxnreg is ignored without a register cap at entry (ptxas C7508).
    function->setAttr("nvvm.minctasm", rewriter.getI32IntegerAttr(1));
    function.setPassthroughAttr(rewriter.getArrayAttr({rewriter.getStrArrayAttr(
        {"denormal-fp-math-f32", "preserve-sign,preserve-sign"})}));
    // What later patterns ask of the kernel.
    function->setAttr("units", op.getUnitsAttr());
    if (op.getCluster()) {
      function->setAttr("cluster", op.getClusterAttr());
      function->setAttr(
          NVVM::NVVMDialect::getClusterDimAttrName(),
          rewriter.getDenseI32ArrayAttr({int32_t(op.getClusterSize()), 1, 1}));
    }
    if (Attribute alignment = op->getAttr(kAlignAttr))
      function->setAttr(kAlignAttr, alignment);

    rewriter.inlineRegionBefore(op.getBody(), function.getBody(),
                                function.end());
    Block &entry = function.getBody().front();
    TypeConverter::SignatureConversion signature(op.getNumArguments());
    for (auto [i, old] : llvm::enumerate(op.getArgumentTypes())) {
      size_t end = i + 1 < first.size() ? first[i + 1] : types.size();
      signature.addInputs(i, ArrayRef(types).slice(first[i], end - first[i]));
    }
    // Four arguments become one struct value through the target
    // materialisation.
    rewriter.applySignatureConversion(&entry, signature, getTypeConverter());
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerReturn : GpuPattern<tile::ReturnOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::ReturnOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    // A copy that nobody waited for lands before its memory is another's.
    if (target.info.has(Capability::ThreadCopy))
      ptx(rewriter, op.getLoc(), {}, "cp.async.wait_all;", "", {},
          /*memory=*/true);
    rewriter.replaceOpWithNewOp<LLVM::ReturnOp>(op, ValueRange());
    return success();
  }
};

struct LowerSpecialize : GpuPattern<tile::SpecializeOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::SpecializeOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    // Barriers are initialised by thread 0: visible to the copy engine and to
    // every unit, also of other workgroups, before the first role runs.
    intrinsic(rewriter, loc, {},
              "llvm.nvvm.fence.mbarrier_init.release.cluster", {});
    int64_t cluster = clusterOf(op);
    if (cluster > 1)
      beginCluster(rewriter, loc);
    else
      intrinsic(rewriter, loc, {}, "llvm.nvvm.barrier.cta.sync.aligned.all",
                i32Constant(rewriter, loc, 0));
    Value unit = target.unitId(rewriter, loc);
    int64_t first = 0;
    int64_t entry = target.info.entryRegisters(
        std::accumulate(op.getCounts().begin(), op.getCounts().end(), 0));
    OpBuilder::InsertionGuard guard(rewriter);
    for (auto [index, region] : llvm::enumerate(op.getRoles())) {
      int64_t count = op.getCounts()[index];
      scf::IfOp choice;
      if (index + 1 < op.getRoles().size()) { // the last role is the last else
        Value mine = arith::CmpIOp::create(
            rewriter, loc, arith::CmpIPredicate::ult, unit,
            i32Constant(rewriter, loc, first + count));
        choice = scf::IfOp::create(rewriter, loc, mine, /*withElse=*/true);
        rewriter.setInsertionPoint(choice.thenBlock()->getTerminator());
      }
      if (int64_t registers = op.getRegisters()[index])
        setRegisters(rewriter, loc, registers, entry);
      if (op.getSingleThread()[index])
        rewriter.setInsertionPoint(singleThread(rewriter, loc));
      Value number = arith::SubIOp::create(rewriter, loc, unit,
                                           i32Constant(rewriter, loc, first));
      rewriter.eraseOp(region.front().getTerminator());
      rewriter.inlineBlockBefore(&region.front(), rewriter.getInsertionBlock(),
                                 rewriter.getInsertionPoint(), number);
      // Others may still copy into this workgroup and arrive at its barriers.
      // Threads without a role have ended, which is to arrive. Behind the roles
      // this would cost a producer of 24 registers 52 bytes of spills.
      if (cluster > 1)
        endCluster(rewriter, loc);
      first += count;
      if (choice)
        rewriter.setInsertionPoint(choice.elseBlock()->getTerminator());
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  static void setRegisters(OpBuilder &b, Location loc, int64_t registers,
                           int64_t entry) {
    NVVM::SetMaxRegisterOp::create(b, loc, registers,
                                   registers < entry
                                       ? NVVM::SetMaxRegisterAction::decrease
                                       : NVVM::SetMaxRegisterAction::increase);
  }
  /// The terminator of a region that one thread of the unit runs.
  Operation *singleThread(OpBuilder &b, Location loc) const {
    Value warp = arith::AndIOp::create(
        b, loc,
        arith::ShRUIOp::create(b, loc, target.threadId(b, loc),
                               i32Constant(b, loc, 5)),
        i32Constant(b, loc, 3));
    Value firstWarp = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                            warp, i32Constant(b, loc, 0));
    auto inWarp = scf::IfOp::create(b, loc, firstWarp);
    OpBuilder inner = inWarp.getThenBodyBuilder(b.getListener());
    Value elected =
        NVVM::ElectSyncOp::create(inner, loc, inner.getI1Type(), Value());
    auto alone = scf::IfOp::create(inner, loc, elected);
    return alone.thenBlock()->getTerminator();
  }
};

//===-- math --------------------------------------------------------------===//

/// A vector op as one call a scalar.
template <typename Op> struct LowerScalars : GpuPattern<Op> {
  using Lower = Value (*)(OpBuilder &, Location, Value);
  LowerScalars(const GpuTypeConverter &converter, MLIRContext *context,
               Lower lower)
      : GpuPattern<Op>(converter, context), lower(lower) {}
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto vector = dyn_cast<VectorType>(op.getType());
    if (!vector) {
      rewriter.replaceOp(op, lower(rewriter, loc, adaptor.getOperand()));
      return success();
    }
    SmallVector<Value> all;
    for (int64_t i = 0; i < vector.getNumElements(); ++i)
      all.push_back(lower(
          rewriter, loc,
          vector::ExtractOp::create(rewriter, loc, adaptor.getOperand(), i)));
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(op, vector, all);
    return success();
  }
  Lower lower;
};
} // namespace

void attn_jit::populateNvptxKernelPatterns(const GpuTypeConverter &converter,
                                           RewritePatternSet &patterns) {
  patterns.add<LowerKernel, LowerReturn, LowerSpecialize>(
      converter, patterns.getContext());
}

void attn_jit::populateNvptxMathPatterns(const GpuTypeConverter &converter,
                                         RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LowerScalars<math::Exp2Op>>(
      converter, context, [](OpBuilder &b, Location loc, Value x) {
        return intrinsic(b, loc, b.getF32Type(), "llvm.nvvm.ex2.approx.ftz.f32",
                         x);
      });
  patterns.add<LowerScalars<math::Log2Op>>(
      converter, context, [](OpBuilder &b, Location loc, Value x) {
        return intrinsic(b, loc, b.getF32Type(), "llvm.nvvm.lg2.approx.ftz.f",
                         x);
      });
  patterns.add<LowerScalars<math::TanhOp>>(
      converter, context, [](OpBuilder &b, Location loc, Value x) -> Value {
        auto op = LLVM::InlineAsmOp::create(
            b, loc, TypeRange(b.getF32Type()), x, "tanh.approx.f32 $0, $1;",
            "=f,f", /*has_side_effects=*/false, /*is_align_stack=*/false,
            LLVM::tailcallkind::TailCallKind::None,
            LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT),
            ArrayAttr());
        return op.getResult(0);
      });
}
