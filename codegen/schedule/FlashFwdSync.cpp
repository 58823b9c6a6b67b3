// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// flash_fwd_sync.v1: every unit loads its query rows, then all copy a key and a
// value tile together and each multiplies its own rows.
#include "codegen/schedule/ForwardBuilder.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn_jit;

void attn_jit::buildFlashFwdSync(ForwardBuilder &f) {
  OpBuilder &b = f.b;
  Location loc = f.loc;
  int64_t bm = f.schedule.get("bm"), bn = f.schedule.get("bn"),
          units = f.schedule.get("units");
  int64_t rows = bm / units;
  TileOrder order{bm};
  f.createKernel(units, tile::Access::Direct, order);
  f.place = order.own(f);
  auto pipeOf = [&](int64_t tileRows, int64_t cols) {
    auto type =
        tile::PipeType::get(b.getContext(), 1, f.sharedType(tileRows, cols),
                            tile::Transport::Cooperative);
    return tile::PipeCreateOp::create(b, loc, type, units, IntegerAttr(),
                                      IntegerAttr());
  };
  Value keys = pipeOf(bn, f.headCols), values = pipeOf(bn, f.valueCols);
  Value offset = f.i32(0);
  if (units > 1)
    offset = f.mul(tile::UnitIdOp::create(b, loc, b.getI32Type()), f.i32(rows));
  TilePlace own = f.place;
  Value row = own.row = f.add(own.row, offset);
  auto tileOf = [&](Value pipe, Value use) -> Value {
    auto type = cast<tile::PipeType>(pipe.getType());
    return tile::PipeWaitOp::create(b, loc, type.getSlot(), pipe, use);
  };
  auto loadQuery = [&]() -> Value {
    auto lhs = tile::FragType::get(b.getContext(), {rows, f.headCols},
                                   f.computeElement, tile::FragLayout::Lhs);
    return tile::LoadOp::create(b, loc, lhs, f.query, f.place.batch,
                                f.place.head, row, f.qLen);
  };
  auto copyQuery = [&]() -> Value {
    Value queries = pipeOf(bm, f.headCols), use = f.i32(0);
    tile::PipeAcquireOp::create(b, loc, queries, use);
    tile::CopyOp::create(b, loc, f.query, f.place.batch, f.place.head,
                         f.place.row, f.qLen, queries, use);
    tile::PipeCommitOp::create(b, loc, queries, use);
    return f.slice(tileOf(queries, use), offset, rows);
  };
  Value query = f.schedule.get("query") ? copyQuery() : loadQuery();
  KeyBlocks blocks = f.keyBlocks(f.place.row, bm, bn);

  // Both copies are under way before either is waited for.
  auto fill = [&](Value use, Value from) {
    tile::PipeAcquireOp::create(b, loc, keys, use);
    tile::PipeAcquireOp::create(b, loc, values, use);
    tile::CopyOp::create(b, loc, f.key, f.place.batch, f.place.kvHead, from,
                         f.kvLen, keys, use);
    tile::CopyOp::create(b, loc, f.value, f.place.batch, f.place.kvHead, from,
                         f.kvLen, values, use);
    tile::PipeCommitOp::create(b, loc, keys, use);
    tile::PipeCommitOp::create(b, loc, values, use);
  };
  auto product = [&](Value a, Value rhs, Value acc, int64_t cols,
                     bool transposed) -> Value {
    auto type = f.acc(rows, cols);
    Value pending = tile::MmaOp::create(
        b, loc, tile::PendingType::get(type.getContext(), type), a, rhs, acc,
        transposed, f.problem.tf32);
    return tile::WaitOp::create(b, loc, type, pending, 0);
  };

  SoftmaxState start = f.initialState(rows);
  SmallVector<Value> carried = {start.max, start.sum, f.initialOutput(rows)};
  auto sweep = [&](Value first, Value end, Masking masking) {
    auto loop = scf::ForOp::create(b, loc, first, end, f.i32(1), carried);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value block = loop.getInductionVar();
    Value from = f.mul(block, f.i32(bn));
    Value use = f.sub(block, blocks.first); // counted from 0
    SoftmaxState state = {loop.getRegionIterArg(0), loop.getRegionIterArg(1)};
    fill(use, from);
    Value scores = product(query, tileOf(keys, use), Value(), bn, true);
    tile::PipeReleaseOp::create(b, loc, keys, use, Value());
    SoftmaxStep step = f.softmax(scores, state, row, from, masking);
    Value output = f.rescaled(loop.getRegionIterArg(2), step.rescale);
    output = product(f.asLhs(step.probabilities), tileOf(values, use), output,
                     f.valueCols, false);
    tile::PipeReleaseOp::create(b, loc, values, use, Value());
    scf::YieldOp::create(b, loc, {step.state.max, step.state.sum, output});
    carried.assign(loop.getResults().begin(), loop.getResults().end());
  };
  if (blocks.firstFull != blocks.first)
    sweep(blocks.first, blocks.firstFull, Masking::always());
  sweep(blocks.firstFull, blocks.endFull, Masking::never());
  sweep(blocks.endFull, blocks.end, Masking::always());
  f.storeOutput(carried[2], carried[1], own);
  f.storeLogSumExp({carried[0], carried[1]}, own);
  f.finishKernel();
}
