// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.copy by cp.async, 16 bytes at a time: data passes no register. What lies
// beyond the limit, or beyond the tensor's columns, is a copy of no bytes,
// which writes zeros and reads nothing.
#include "codegen/lower/Constants.h"
#include "codegen/lower/DirectTensor.h"
#include "codegen/nvptx/NvptxTarget.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn_jit;

namespace {
/// Neighbouring threads take neighbouring pieces of a row, as many as a power
/// of two allows; further pieces of the row follow in further passes.
struct Pieces {
  Pieces(tile::SharedType slot, int64_t threads) {
    int64_t rowBytes = slot.getRowBytes();
    perRow = rowBytes / kPieceBytes;
    across = std::min(perRow & -perRow, threads);
    rowsAtOnce = threads / across;
  }
  int64_t perRow, across, rowsAtOnce;
};

struct LowerCopy : GpuPattern<tile::CopyOp> {
  using GpuPattern::GpuPattern;
  LogicalResult
  matchAndRewrite(tile::CopyOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    tile::SharedType slot = op.getPipe().getType().getSlot();
    Type element = slot.getElementType();
    int64_t threads = target.workgroupThreads(op);
    if (element != op.getSource().getType().getElementType() ||
        !copiesBesideThreads(op))
      return rewriter.notifyMatchFailure(op, "not a copy of 16 bytes");
    Location loc = op.getLoc();
    OpBuilder &b = rewriter;
    auto constant = [&](int64_t v) { return i32Constant(b, loc, v); };
    auto add = [&](Value x, Value y) -> Value {
      return arith::AddIOp::create(b, loc, x, y);
    };
    int64_t bytes = element.getIntOrFloatBitWidth() / 8;
    int64_t width = kPieceBytes / bytes;
    Pieces pieces(slot, threads);
    Value thread = target.threadId(b, loc), across = constant(pieces.across);
    Value row = arith::DivUIOp::create(b, loc, thread, across);
    Value piece = arith::RemUIOp::create(b, loc, thread, across);
    Value left =
        arith::SubIOp::create(b, loc, adaptor.getLimit(), adaptor.getRow());
    DirectTensor tensor(b, loc, adaptor.getSource(), element,
                        adaptor.getBatch(), adaptor.getHead());
    Value col = arith::MulIOp::create(b, loc, piece, constant(width));
    Value from = LLVM::PtrToIntOp::create(
        b, loc, b.getI64Type(), tensor.at(b, add(adaptor.getRow(), row), col));
    Value pass = arith::MulIOp::create(
        b, loc, LLVM::ExtractValueOp::create(b, loc, adaptor.getSource(), 3),
        arith::ConstantIntOp::create(b, loc, pieces.rowsAtOnce * bytes, 64));
    Value slotBase = pipeSlot(target, b, loc, adaptor.getPipe(),
                              op.getPipe().getType(), adaptor.getUse());
    Value to = LLVM::PtrToIntOp::create(b, loc, b.getI32Type(), slotBase);
    for (int64_t first = 0; first < slot.getRows();
         first += pieces.rowsAtOnce) {
      if (first)
        // All rows' distances from the first would be worked out ahead.
        from = held(b, loc, add(from, pass));
      Value at = add(row, constant(first));
      for (int64_t next = 0; next < pieces.perRow; next += pieces.across) {
        int64_t cols = op.getSource().getType().getCols();
        Value column = add(col, constant(next * width));
        Value there = isBefore(b, loc, at, left);
        if ((next + pieces.across) * width > cols)
          there = arith::AndIOp::create(
              b, loc, there, isBefore(b, loc, column, constant(cols)));
        Value size = arith::SelectOp::create(
            b, loc, there, constant(kPieceBytes), constant(0));
        Value into = add(to, target.sharedOffset(b, loc, slot, at, column));
        Value source = arith::AddIOp::create(
            b, loc, from,
            arith::ConstantIntOp::create(b, loc, next * kPieceBytes, 64));
        copy(b, loc, into, source, size,
             first + pieces.rowsAtOnce > slot.getRows()
                 ? isBefore(b, loc, at, constant(slot.getRows()))
                 : Value());
      }
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  static void copy(OpBuilder &b, Location loc, Value to, Value from, Value size,
                   Value when) {
    SmallVector<Value> operands = {to, from, size};
    std::string text = "cp.async.cg.shared.global [$0], [$1], 16, $2;";
    if (when) {
      text = "@$3 " + text;
      operands.push_back(when);
    }
    ptx(b, loc, {}, text, when ? "r,l,r,b" : "r,l,r", operands,
        /*memory=*/true);
  }
};
} // namespace

void attn_jit::populateThreadCopyPatterns(const GpuTypeConverter &converter,
                                          RewritePatternSet &patterns) {
  patterns.add<LowerCopy>(converter, patterns.getContext(), /*benefit=*/2);
}
