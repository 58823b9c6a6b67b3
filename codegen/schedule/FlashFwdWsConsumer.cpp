// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The steps of flash_fwd_ws.v1's consumer within a tile. With overlap, step i's
// scores are computed while step i-1's output is, and softmax runs beside the
// latter (FlashAttention-3, section 3.2).
#include "codegen/schedule/FlashFwdWs.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn_jit;
using namespace attn_jit::ws;

//===-- what is carried ---------------------------------------------------===//

SmallVector<Value> Carried::list() const {
  SmallVector<Value> all = {state.max, state.sum, output};
  for (Value more : {p, counts})
    if (more)
      all.push_back(more);
  return all;
}

Carried Carried::of(ValueRange all) {
  Carried carried = {{all[0], all[1]}, all[2], {}, {}};
  for (Value more : all.drop_front(3))
    (more.getType().isInteger(1) ? carried.counts : carried.p) = more;
  return carried;
}

Carried Consumer::fresh() {
  return {f.initialState(kRows), f.initialOutput(kRows), {}, {}};
}

//===-- events ------------------------------------------------------------===//

Value Consumer::slot(Value pipe, Value use) {
  auto type = cast<tile::PipeType>(pipe.getType());
  return tile::PipeWaitOp::create(b, loc, type.getSlot(), pipe, use);
}

void Consumer::release(Value pipe, Value use, Value when) {
  tile::PipeReleaseOp::create(b, loc, pipe, use, when);
}

Value Consumer::startScores(Value step) {
  Value keyTile = slot(k.keys, useOf(step));
  takeTurn();
  auto type = tile::PendingType::get(b.getContext(), f.acc(kRows, k.bn));
  return tile::MmaOp::create(b, loc, type, query, keyTile, Value(), Value(),
                             /*transpose_rhs=*/true);
}

Value Consumer::startOutput(const Carried &carried, Value use) {
  auto type = tile::PendingType::get(b.getContext(), f.acc(kRows, f.valueCols));
  return tile::MmaOp::create(b, loc, type,
                             k.sharedP ? ownProbabilities : carried.p,
                             slot(k.values, use), carried.output,
                             carried.counts, /*transpose_rhs=*/false);
}

Value Consumer::wait(Value pending, int64_t inFlight) {
  auto type = cast<tile::PendingType>(pending.getType()).getFrag();
  return tile::WaitOp::create(b, loc, type, pending, inFlight);
}

/// Probabilities as the second product reads them.
Value Consumer::publish(Value p) {
  if (!k.sharedP)
    return f.asLhs(p);
  auto narrow = cast<tile::FragType>(p.getType()).withElement(f.element);
  tile::PutOp::create(b, loc, tile::CastOp::create(b, loc, narrow, p),
                      ownProbabilities);
  tile::PublishOp::create(b, loc);
  return {};
}

/// Barrier 1 + k is consumer k's turn at the matrix unit; barrier 0 is the
/// workgroup's. The first turn is consumer 0's: it arrives for itself.
void Consumer::beginTurns(Value unit) {
  if (!k.pingpong)
    return;
  ownTurn = f.add(unit, f.i32(1));
  Value wraps =
      compared(arith::CmpIPredicate::eq, unit, f.i32(k.consumers - 1));
  nextTurn =
      arith::SelectOp::create(b, loc, wraps, f.i32(1), f.add(unit, f.i32(2)));
  Value isFirst = compared(arith::CmpIPredicate::eq, unit, f.i32(0));
  auto first = scf::IfOp::create(b, loc, isFirst);
  OpBuilder inner = first.getThenBodyBuilder();
  tile::NamedBarrierArriveOp::create(inner, loc, ownTurn, 2);
}

void Consumer::takeTurn() {
  if (k.pingpong)
    tile::NamedBarrierSyncOp::create(b, loc, ownTurn, 2);
}

void Consumer::passTurn() {
  if (k.pingpong)
    tile::NamedBarrierArriveOp::create(b, loc, nextTurn, 2);
}

//===-- steps -------------------------------------------------------------===//

Carried Consumer::inOrder(Value step, const Carried &carried, Masking masking) {
  Value use = useOf(step), pending = startScores(step);
  passTurn();
  Value scores = wait(pending, 0);
  release(k.keys, use);
  SoftmaxStep next =
      f.softmax(scores, carried.state, row, keyOf(step), masking);
  Carried after = {
      next.state, f.rescaled(carried.output, next.rescale), {}, {}};
  after.p = publish(next.probabilities);
  after.output = wait(startOutput(after, use), 0);
  after.p = {};
  release(k.values, use);
  return after;
}

Carried Consumer::overlapped(Value step, Value before, const Carried &carried,
                             Masking masking, Value releases,
                             llvm::function_ref<void(Value)> store) {
  Value scoresPending = startScores(step);
  Value outputPending = startOutput(carried, before);
  passTurn();
  Value scores = wait(scoresPending, 1);
  // The mask's branch is a border to which the wait for the output floats up,
  // ahead of the maxima: in one loop something must pin it behind them.
  bool pinned = k.oneLoop && !k.anchor;
  if (!k.anchor && !pinned)
    release(k.keys, useOf(step));
  if (k.order.resident)
    release(
        k.queries, tileNumber,
        compared(arith::CmpIPredicate::eq, step, f.sub(tile.steps, f.i32(1))));
  Value output;
  auto releaseKeysBehind = [&](Value value) {
    release(k.keys, useOf(step),
            tile::AnchorOp::create(b, loc, b.getI1Type(), value));
  };
  auto takeOutput = [&] {
    output = wait(outputPending, 0);
    release(k.values, before, releases);
  };
  auto atMaxima = [&](Value max) {
    releaseKeysBehind(max);
    takeOutput();
    if (store)
      store(output);
  };
  SoftmaxStep next =
      f.softmax(scores, carried.state, row, keyOf(step), masking,
                pinned ? llvm::function_ref<void(Value)>(atMaxima) : nullptr);
  if (k.anchor)
    releaseKeysBehind(next.state.sum);
  if (!pinned)
    takeOutput();
  // Not before: the product at hand reads the probabilities of the last step.
  Value p = publish(next.probabilities);
  if (store && !pinned)
    store(output);
  return {next.state, f.rescaled(output, next.rescale), p, {}};
}

Carried Consumer::sweep(Value first, Value end, const Carried &carried,
                        Step step) {
  auto loop = scf::ForOp::create(b, loc, first, end, f.i32(1), carried.list());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Carried next =
      step(loop.getInductionVar(), Carried::of(loop.getRegionIterArgs()));
  scf::YieldOp::create(b, loc, next.list());
  return Carried::of(loop.getResults());
}

Carried Consumer::sweeps(Value from, Carried carried) {
  auto part = [&](Value first, Value end, Masking masking) {
    carried = sweep(first, end, carried, [&](Value step, const Carried &at) {
      if (!k.overlap)
        return inOrder(step, at, masking);
      Value before = f.sub(useOf(step), f.i32(1));
      Carried next = overlapped(step, before, at, masking);
      if (at.counts)
        next.counts = arith::ConstantIntOp::create(b, loc, 1, 1);
      return next;
    });
  };
  bool masks = !f.forward.getMask().empty();
  if (!masks) // the first block alone may end beyond the keys
    part(from, tile.steps, Masking::never());
  else if (from != tile.firstFull)
    part(from, tile.firstFull, Masking::always());
  if (masks)
    part(tile.firstFull, f.masksBelow() ? tile.endFull : tile.steps,
         Masking::never());
  if (f.masksBelow())
    part(tile.endFull, tile.steps, Masking::always());
  return carried;
}
