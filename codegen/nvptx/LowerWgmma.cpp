// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products of a warpgroup as wgmma. Rules that keep ptxas from
// serialising them (measured, ARCHITECTURE.md): accumulators are tied; the
// first wgmma of a fresh accumulator takes none; accumulators pass through the
// wait, so that LLVM can move no use across it.
#include "codegen/lower/Constants.h"
#include "codegen/nvptx/NvptxTarget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn_jit;

namespace {
constexpr int64_t kStep = 16; ///< K of one wgmma on 16-bit operands

SmallVector<Value> results(OpBuilder &b, Location loc, Operation *asmOp,
                           size_t count) {
  if (count == 1)
    return {asmOp->getResult(0)};
  SmallVector<Value> all;
  for (size_t i = 0; i < count; ++i)
    all.push_back(LLVM::ExtractValueOp::create(b, loc, asmOp->getResult(0), i));
  return all;
}

std::string repeated(StringRef constraint, size_t count) {
  return llvm::join(SmallVector<StringRef>(count, constraint), ",");
}

/// `text` with `values` going in and coming out in the same registers.
SmallVector<Value> tied(OpBuilder &b, Location loc, StringRef text,
                        ArrayRef<Value> values) {
  std::string constraints;
  SmallVector<Type> types;
  for (Value value : values) {
    constraints += value.getType().isF32() ? "=f," : "=r,";
    types.push_back(value.getType());
  }
  for (size_t i = 0; i < values.size(); ++i)
    constraints += std::to_string(i) + ",";
  if (!constraints.empty())
    constraints.pop_back();
  Operation *op = ptx(b, loc, types, text, constraints, values);
  return results(b, loc, op, values.size());
}

/// Shared memory descriptors of one tile (PTX ISA, "matrix descriptor").
class Descriptor {
public:
  Descriptor(OpBuilder &b, Location loc, Value tile, tile::SharedType type,
             bool rowsAreK)
      : b(b), loc(loc), type(type), rowsAreK(rowsAreK) {
    int64_t width = type.getSwizzle();
    int64_t mode = width == 128 ? 1 : width == 64 ? 2 : 3;
    // Groups of 8 rows follow each other; with K along the rows, the next
    // panel of columns is a panel further.
    int64_t leading = rowsAreK ? type.getPanelRows() * width : 16;
    uint64_t fixed = (uint64_t(mode) << 62) | (uint64_t(8 * width >> 4) << 32) |
                     (uint64_t(leading >> 4) << 16);
    Value address = LLVM::PtrToIntOp::create(b, loc, b.getI32Type(), tile);
    Value field = arith::AndIOp::create(
        b, loc, arith::ShRUIOp::create(b, loc, address, i32Constant(b, loc, 4)),
        i32Constant(b, loc, 0x3FFF));
    Value wide = arith::ExtUIOp::create(b, loc, b.getI64Type(), field);
    base = arith::OrIOp::create(b, loc, wide, constant(int64_t(fixed)));
  }
  /// For K elements [16 step, 16 step + 16).
  Value at(int64_t step) const {
    int64_t width = type.getSwizzle();
    int64_t bytes = type.getElementType().getIntOrFloatBitWidth() / 8;
    int64_t offset;
    if (rowsAreK) {
      offset = step * kStep * width;
    } else {
      int64_t column = step * kStep * bytes;
      offset = column / width * type.getPanelRows() * width + column % width;
    }
    if (offset == 0)
      return base;
    return arith::AddIOp::create(b, loc, base, constant(offset >> 4));
  }

private:
  Value constant(int64_t value) const {
    return arith::ConstantIntOp::create(b, loc, value, 64);
  }
  OpBuilder &b;
  Location loc;
  tile::SharedType type;
  bool rowsAreK;
  Value base;
};

/// The wgmmas of one product, their fence and their commit, in one asm: LLVM
/// then carries the accumulators through once, not once a step (half of its
/// time).
class Product {
public:
  Product(OpBuilder &b, Location loc, int64_t n, Type element)
      : b(b), loc(loc), n(n), type(element.isF16() ? "f16" : "bf16"),
        // Written by the first step, while later ones still read their
        // operands.
        constraints(repeated("=&f", n / 2)), next(n / 2) {
    // Orders this thread's writes of the registers before the products.
    text = "wgmma.fence.sync.aligned;";
    SmallVector<std::string> names;
    for (int64_t i = 0; i < n / 2; ++i)
      names.push_back("$" + std::to_string(i));
    result = "{" + llvm::join(names, ", ") + "}";
  }

  /// Adds to `acc`, or, where `when` is given and false, to zero; without this,
  /// the first step starts from zero.
  void accumulate(ArrayRef<Value> acc, Value when) {
    for (auto [i, value] : llvm::enumerate(acc))
      place(value, std::to_string(i));
    scaleD = when ? place(when, "b") : "1";
  }

  /// `left`: one descriptor, or four registers.
  void step(ArrayRef<Value> left, Value right, bool transposeB) {
    bool shared = left.size() == 1;
    SmallVector<std::string> names;
    for (Value value : left)
      names.push_back(place(value, shared ? "l" : "r"));
    std::string lhs = shared ? names[0] : "{" + llvm::join(names, ", ") + "}";
    text +=
        llvm::formatv("\n\twgmma.mma_async.sync.aligned.m64n{0}k16.f32.{1}.{1} "
                      "{2}, {3}, {4}, {5}, 1, 1{6}, {7};",
                      n, type, result, lhs, place(right, "l"), scaleD,
                      shared ? ", 0" : "", transposeB ? 1 : 0)
            .str();
    scaleD = "1";
  }

  SmallVector<Value> finish() {
    text += "\n\twgmma.commit_group.sync.aligned;";
    SmallVector<Type> types(n / 2, b.getF32Type());
    Operation *op = ptx(b, loc, types, text, constraints, operands);
    return results(b, loc, op, n / 2);
  }

private:
  std::string place(Value value, StringRef constraint) {
    operands.push_back(value);
    constraints += "," + constraint.str();
    return "$" + std::to_string(next++);
  }

  OpBuilder &b;
  Location loc;
  int64_t n;
  StringRef type;
  std::string text, result, constraints;
  size_t next;
  SmallVector<Value> operands;
  std::string scaleD = "0"; ///< of the next step: does the accumulator count
};

struct LowerMma : GpuPattern<tile::MmaOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::MmaOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    tile::FragType result = op.getType().getFrag();
    tile::SharedType rhs = op.getRhs().getType();
    Type element = rhs.getElementType();
    int64_t n = result.getCols();
    int64_t k = op.getTransposeRhs() ? rhs.getCols() : rhs.getRows();
    auto lhs = dyn_cast<tile::SharedType>(op.getLhs().getType());
    if (n > 256 || k % kStep || !rhs.getSwizzle() || (lhs && !lhs.getSwizzle()))
      return op.emitOpError("is ")
             << result.getRows() << "x" << n << "x" << k
             << "; wgmma takes up to 256 columns, K by sixteens, and swizzled "
                "tiles";

    Product product(rewriter, loc, n, element);
    if (adaptor.getAcc())
      product.accumulate(elements(rewriter, loc, adaptor.getAcc()),
                         adaptor.getWhen());
    Descriptor b(rewriter, loc, adaptor.getRhs(), rhs, !op.getTransposeRhs());
    if (lhs) {
      Descriptor a(rewriter, loc, adaptor.getLhs(), lhs, /*rowsAreK=*/false);
      for (int64_t step = 0; step < k / kStep; ++step)
        product.step(a.at(step), b.at(step),
                     /*transposeB=*/!op.getTransposeRhs());
    } else {
      auto halves = cast<VectorType>(adaptor.getLhs().getType());
      auto words =
          VectorType::get(halves.getNumElements() / 2, rewriter.getI32Type());
      SmallVector<Value> registers = elements(
          rewriter, loc,
          vector::BitCastOp::create(rewriter, loc, words, adaptor.getLhs()));
      for (int64_t step = 0; step < k / kStep; ++step)
        product.step(ArrayRef(registers).slice(4 * step, 4), b.at(step),
                     !op.getTransposeRhs());
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, cast<VectorType>(convert(op.getType())), product.finish());
    return success();
  }
};

struct LowerWait : GpuPattern<tile::WaitOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::WaitOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    std::string text =
        llvm::formatv("wgmma.wait_group.sync.aligned {0};", op.getInFlight())
            .str();
    SmallVector<Value> values = tied(
        rewriter, loc, text, elements(rewriter, loc, adaptor.getPending()));
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, cast<VectorType>(convert(op.getType())), values);
    return success();
  }
};

struct LowerAnchor : GpuPattern<tile::AnchorOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::AnchorOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    // A NaN that a program can write and no sum can be: additions give numbers
    // and the one NaN 0x7fffffff (PTX ISA,
    // floating-point instructions). ptxas knows neither, and keeps
    // the comparison.
    constexpr int64_t kNoSum = 0x7fc12345;
    Location loc = op.getLoc();
    Value sum;
    for (Value row : elements(rewriter, loc, adaptor.getValue()))
      sum = sum ? arith::AddFOp::create(rewriter, loc, sum, row).getResult()
                : row;
    Value bits =
        arith::BitcastOp::create(rewriter, loc, rewriter.getI32Type(), sum);
    rewriter.replaceOpWithNewOp<arith::CmpIOp>(
        op, arith::CmpIPredicate::ne, bits, i32Constant(rewriter, loc, kNoSum));
    return success();
  }
};

struct LowerPublish : GpuPattern<tile::PublishOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::PublishOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    // Barriers 8 to 15 belong to publishing units; schedules name 1 to 7.
    Location loc = op.getLoc();
    ptx(rewriter, loc, {}, "fence.proxy.async.shared::cta;", "", {}, true);
    Value id =
        arith::AddIOp::create(rewriter, loc, target.unitId(rewriter, loc),
                              i32Constant(rewriter, loc, 8));
    intrinsic(rewriter, loc, {}, "llvm.nvvm.barrier.cta.sync.aligned.count",
              {id, i32Constant(rewriter, loc, target.info.unitThreads)});
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void attn_jit::populateWgmmaPatterns(const GpuTypeConverter &converter,
                                     RewritePatternSet &patterns) {
  patterns.add<LowerMma, LowerWait, LowerAnchor, LowerPublish>(
      converter, patterns.getContext());
}
