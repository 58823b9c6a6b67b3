// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// flash_fwd_async.v1: the order of FlashAttention-2. The values of a step are
// copied while its scores are computed, the keys of the next step during the
// softmax and the second product.
#include "codegen/schedule/ForwardBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn_jit;

namespace {
class AsyncForward {
public:
  explicit AsyncForward(ForwardBuilder &f)
      : f(f), b(f.b), loc(f.loc), bm(f.schedule.get("bm")),
        bn(f.schedule.get("bn")), units(f.schedule.get("units")),
        rows(bm / units) {}

  void build() {
    TileOrder order{bm, TileOrder::Kind(f.schedule.get("order"))};
    f.createKernel(units, tile::Access::Direct, order);
    f.place = order.own(f);
    int64_t stages = f.schedule.get("stages");
    keys = pipe(stages, bn, f.headCols), values = pipe(stages, bn, f.valueCols);
    Value offset = f.i32(0);
    if (units > 1)
      offset =
          f.mul(tile::UnitIdOp::create(b, loc, b.getI32Type()), f.i32(rows));
    own = f.place;
    own.row = f.add(own.row, offset);
    blocks = f.keyBlocks(f.place.row, bm, bn);
    if (f.schedule.get("query")) {
      Value queries = pipe(1, bm, f.headCols), use = f.i32(0);
      fill(queries, use, f.query, f.place.head, f.place.row, f.qLen);
      fillKeys(blocks.first, f.kvLen);
      query = f.slice(slot(queries, use), offset, rows);
    } else {
      fillKeys(blocks.first, f.kvLen);
      auto lhs = tile::FragType::get(b.getContext(), {rows, f.headCols},
                                     f.computeElement, tile::FragLayout::Lhs);
      query = tile::LoadOp::create(b, loc, lhs, f.query, f.place.batch,
                                   f.place.head, own.row, f.qLen);
    }

    SoftmaxState start = f.initialState(rows);
    SmallVector<Value> carried = {start.max, start.sum, f.initialOutput(rows)};
    if (blocks.firstFull != blocks.first)
      sweep(blocks.first, blocks.firstFull, Masking::always(), carried);
    sweep(blocks.firstFull, blocks.endFull, Masking::never(), carried);
    sweep(blocks.endFull, blocks.end, Masking::always(), carried);
    f.storeOutput(carried[2], carried[1], own);
    f.storeLogSumExp({carried[0], carried[1]}, own);
    f.finishKernel();
  }

private:
  Value pipe(int64_t stages, int64_t tileRows, int64_t cols) {
    auto type = tile::PipeType::get(b.getContext(), stages,
                                    f.sharedType(tileRows, cols),
                                    tile::Transport::Cooperative);
    return tile::PipeCreateOp::create(b, loc, type, units, IntegerAttr(),
                                      IntegerAttr());
  }
  void fill(Value pipe, Value use, Value tensor, Value head, Value row,
            Value limit) {
    tile::PipeAcquireOp::create(b, loc, pipe, use);
    tile::CopyOp::create(b, loc, tensor, f.place.batch, head, row, limit, pipe,
                         use);
    tile::PipeCommitOp::create(b, loc, pipe, use);
  }
  /// A ring's uses are counted from the first block that is visited.
  Value useOf(Value block) { return f.sub(block, blocks.first); }
  void fillKeys(Value block, Value limit) {
    fill(keys, useOf(block), f.key, f.place.kvHead, f.mul(block, f.i32(bn)),
         limit);
  }
  /// Behind the last block nothing is read: a branch would cost registers.
  void fillKeysAhead(Value block) {
    Value any = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, block,
                                      blocks.end);
    fillKeys(block, arith::SelectOp::create(b, loc, any, f.kvLen, f.i32(0)));
  }
  Value slot(Value pipe, Value use) {
    auto type = cast<tile::PipeType>(pipe.getType());
    return tile::PipeWaitOp::create(b, loc, type.getSlot(), pipe, use);
  }
  Value product(Value lhs, Value rhs, Value acc, int64_t cols,
                bool transposed) {
    tile::FragType type = f.acc(rows, cols);
    Value pending = tile::MmaOp::create(
        b, loc, tile::PendingType::get(b.getContext(), type), lhs, rhs, acc,
        transposed, f.problem.tf32);
    return tile::WaitOp::create(b, loc, type, pending, 0);
  }

  SmallVector<Value> step(Value block, ValueRange carried, Masking masking) {
    Value use = useOf(block), key = f.mul(block, f.i32(bn));
    fill(values, use, f.value, f.place.kvHead, key, f.kvLen);
    Value scores = product(query, slot(keys, use), Value(), bn, true);
    tile::PipeReleaseOp::create(b, loc, keys, use, Value());
    fillKeysAhead(f.add(block, f.i32(1)));
    SoftmaxStep now =
        f.softmax(scores, {carried[0], carried[1]}, own.row, key, masking);
    Value output = f.rescaled(carried[2], now.rescale);
    output = product(f.asLhs(now.probabilities), slot(values, use), output,
                     f.valueCols, false);
    tile::PipeReleaseOp::create(b, loc, values, use, Value());
    return {now.state.max, now.state.sum, output};
  }

  void sweep(Value first, Value end, Masking masking,
             SmallVector<Value> &carried) {
    auto loop = scf::ForOp::create(b, loc, first, end, f.i32(1), carried);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(
        b, loc,
        step(loop.getInductionVar(), loop.getRegionIterArgs(), masking));
    carried.assign(loop.getResults().begin(), loop.getResults().end());
  }

  ForwardBuilder &f;
  OpBuilder &b;
  Location loc;
  int64_t bm, bn, units, rows;
  Value keys, values; ///< pipes
  Value query;        ///< of this unit: a fragment, or rows of a shared tile
  TilePlace own;      ///< this unit's rows
  KeyBlocks blocks;
};
} // namespace

void attn_jit::buildFlashFwdAsync(ForwardBuilder &f) {
  AsyncForward(f).build();
}
