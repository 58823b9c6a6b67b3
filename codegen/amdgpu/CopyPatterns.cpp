// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.copy by buffer loads, all of them issued before the first store to
// shared memory. A row at the limit or beyond is given an offset outside of the
// buffer, which reads as zeros: no branch, and no access that the tensor does
// not cover.
#include "codegen/amdgpu/AmdTarget.h"
#include "codegen/lower/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn_jit;

namespace {
/// Bytes of a buffer, and the offset that is outside of it: offsets of one tile
/// stay below 2 GiB.
constexpr int64_t kBufferBytes = int64_t(1) << 31;
constexpr int64_t kBufferAddressSpace = 8;
/// Buffer loads of 16 bytes need this alignment.
constexpr int64_t kBufferAlignment = 4;

/// Word 3 of a buffer descriptor (ISA guides, "buffer resource descriptor"):
/// 32-bit elements of floats; where descriptors name it, the format's place and
/// that each offset is checked as a raw one.
int64_t descriptorFlags(const AmdTarget &target) {
  int64_t flags = (7 << 12) | (4 << 15);
  if (target.info.has(Capability::FormatInDescriptor))
    flags |= (int64_t(1) << 24) | (int64_t(3) << 28);
  return flags;
}

struct LowerCopy : GpuPattern<tile::CopyOp> {
  LowerCopy(const GpuTypeConverter &converter, const AmdTarget &target,
            MLIRContext *context)
      : GpuPattern(converter, context, /*benefit=*/2), amd(target) {}

  LogicalResult
  matchAndRewrite(tile::CopyOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    tile::PipeType pipe = op.getPipe().getType();
    tile::SharedType slot = pipe.getSlot();
    Type element = slot.getElementType();
    auto kernel = op->getParentOfType<FunctionOpInterface>();
    auto align = kernel->getAttrOfType<IntegerAttr>(kAlignAttr);
    if (element != op.getSource().getType().getElementType() ||
        (align && align.getInt() < kBufferAlignment))
      return rewriter.notifyMatchFailure(op, "not a copy by buffer loads");
    Location loc = op.getLoc();
    int64_t bytes = element.getIntOrFloatBitWidth() / 8, width = 16 / bytes;
    int64_t perRow = slot.getCols() / width;
    int64_t chunks = slot.getRows() * perRow;
    int64_t threads = kernel->getAttrOfType<IntegerAttr>("units").getInt() *
                      amd.info.unitThreads;
    Value across = i32Constant(rewriter, loc, perRow);
    Value thread = amd.threadId(rewriter, loc);
    Value buffer = bufferOf(rewriter, op, adaptor, bytes);
    Value pitch = rowPitch(rewriter, loc, adaptor, bytes);
    Value left = arith::SubIOp::create(rewriter, loc, adaptor.getLimit(),
                                       adaptor.getRow());

    struct Piece {
      Value chunk, row, col, data;
    };
    SmallVector<Piece> pieces;
    for (int64_t first = 0; first < chunks; first += threads) {
      Value chunk = arith::AddIOp::create(rewriter, loc, thread,
                                          i32Constant(rewriter, loc, first));
      Value row = arith::DivUIOp::create(rewriter, loc, chunk, across);
      Value col = arith::MulIOp::create(
          rewriter, loc, arith::RemUIOp::create(rewriter, loc, chunk, across),
          i32Constant(rewriter, loc, width));
      Value data = load(rewriter, loc, buffer, pitch, left, row, col, bytes);
      pieces.push_back({chunk, row, col, data});
    }
    Value base = pipeSlot(target, rewriter, loc, adaptor.getPipe(), pipe,
                          adaptor.getUse());
    for (const Piece &piece : pieces) {
      OpBuilder::InsertionGuard guard(rewriter);
      if (&piece == &pieces.back() && chunks % threads) {
        Value inside = arith::CmpIOp::create(
            rewriter, loc, arith::CmpIPredicate::slt, piece.chunk,
            i32Constant(rewriter, loc, chunks));
        auto tail = scf::IfOp::create(rewriter, loc, inside);
        rewriter.setInsertionPoint(tail.thenYield());
      }
      Value offset =
          target.sharedOffset(rewriter, loc, slot, piece.row, piece.col);
      Value at = LLVM::GEPOp::create(rewriter, loc, base.getType(),
                                     rewriter.getI8Type(), base,
                                     ArrayRef<LLVM::GEPArg>{offset});
      LLVM::StoreOp::create(rewriter, loc, piece.data, at, 16);
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  static Value stride(OpBuilder &b, Location loc, OpAdaptor adaptor,
                      int64_t which) {
    return LLVM::ExtractValueOp::create(b, loc, adaptor.getSource(), which);
  }

  /// A buffer that begins at the first row of the tile. Its base is the same
  /// for all threads, so it stands in scalar registers.
  Value bufferOf(OpBuilder &b, tile::CopyOp op, OpAdaptor adaptor,
                 int64_t bytes) const {
    Location loc = op.getLoc();
    Type i64 = b.getI64Type();
    Value elements;
    SmallVector<Value, 3> indices = {adaptor.getBatch(), adaptor.getHead(),
                                     adaptor.getRow()};
    for (auto [which, index] : llvm::enumerate(indices)) {
      Value wide = arith::ExtSIOp::create(b, loc, i64, index);
      Value part = arith::MulIOp::create(b, loc, wide,
                                         stride(b, loc, adaptor, which + 1));
      elements =
          elements ? arith::AddIOp::create(b, loc, elements, part) : part;
    }
    Value start = stride(b, loc, adaptor, 0);
    start = LLVM::GEPOp::create(b, loc, start.getType(),
                                op.getSource().getType().getElementType(),
                                start, ArrayRef<LLVM::GEPArg>{elements});
    auto type = LLVM::LLVMPointerType::get(b.getContext(), kBufferAddressSpace);
    return ROCDL::MakeBufferRsrcOp::create(
        b, loc, type, start, arith::ConstantIntOp::create(b, loc, 0, 16),
        arith::ConstantIntOp::create(b, loc, kBufferBytes, 64),
        i32Constant(b, loc, descriptorFlags(amd)));
  }

  static Value rowPitch(OpBuilder &b, Location loc, OpAdaptor adaptor,
                        int64_t bytes) {
    Value elements = arith::TruncIOp::create(b, loc, b.getI32Type(),
                                             stride(b, loc, adaptor, 3));
    return arith::MulIOp::create(b, loc, elements, i32Constant(b, loc, bytes));
  }

  static Value load(OpBuilder &b, Location loc, Value buffer, Value pitch,
                    Value left, Value row, Value col, int64_t bytes) {
    Value offset = arith::AddIOp::create(
        b, loc, arith::MulIOp::create(b, loc, row, pitch),
        arith::MulIOp::create(b, loc, col, i32Constant(b, loc, bytes)));
    Value there =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, row, left);
    Value outside = i32Constant(b, loc, int32_t(kBufferBytes));
    offset = arith::SelectOp::create(b, loc, there, offset, outside);
    Value zero = i32Constant(b, loc, 0);
    auto words = VectorType::get(4, b.getI32Type());
    return ROCDL::RawPtrBufferLoadOp::create(b, loc, words, buffer, offset,
                                             zero, zero, ArrayAttr(),
                                             ArrayAttr(), ArrayAttr());
  }
  const AmdTarget &amd;
};
} // namespace

void attn_jit::populateAmdCopyPatterns(const GpuTypeConverter &converter,
                                       const AmdTarget &target,
                                       RewritePatternSet &patterns) {
  patterns.add<LowerCopy>(converter, target, patterns.getContext());
}
