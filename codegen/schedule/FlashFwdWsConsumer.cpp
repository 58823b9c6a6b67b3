// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The consumer of flash_fwd_ws.v1. With overlap, step i's scores are computed
// while step i-1's output is, and softmax runs beside the latter
// (FlashAttention-3, section 3.2). Where workgroups walk over tiles it goes on
// so across them: the first scores of a tile are computed beside the last
// output of the tile before, whose rows are stored then.
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

//===-- tiles -------------------------------------------------------------===//

void Consumer::build(Value unit) {
  offset = f.mul(unit, f.i32(kRows));
  if (k.sharedP)
    ownProbabilities = f.slice(k.probabilities, offset, kRows);
  beginTurns(unit);
  if (!k.order.resident)
    oneTile();
  else if (k.overlap)
    tilesOverlapped();
  else
    tilesInOrder();
}

Tile Consumer::taken(Value number) {
  SmallVector<Type> types(Tile::kNumbers, b.getI32Type());
  return Tile::of(
      tile::MailTakeOp::create(b, loc, types, k.tiles, number).getResults());
}

TilePlace Consumer::ownPlace(const Tile &of) {
  return {of.batch, of.head, {}, f.add(of.row, offset)};
}

void Consumer::begin(const Tile &entered, Value number, Value first) {
  enter(entered, number, first);
  row = ownPlace(tile).row;
  query = f.slice(slot(k.queries, number), offset, kRows);
}

/// The output of the last step, use `use` of the values.
void Consumer::finish(const Carried &carried, Value use, const Tile &of) {
  Value output = carried.output;
  if (k.overlap)
    output = wait(startOutput(carried, use), 0);
  f.storeOutput(output, carried.state.sum, ownPlace(of));
}

void Consumer::oneTile() {
  Value zero = f.i32(0);
  begin(k.tile, zero, zero);
  Carried carried = fresh();
  if (k.overlap) {
    Value pending = startScores(zero);
    passTurn();
    Value scores = wait(pending, 0);
    release(k.keys, zero);
    SoftmaxStep first =
        f.softmax(scores, carried.state, row, keyOf(zero), Masking::always());
    carried.state = first.state;
    carried.p = publish(first.probabilities);
  } else {
    carried = inOrder(zero, carried, Masking::always());
  }
  carried = sweeps(f.i32(1), carried);
  f.storeLogSumExp(carried.state, ownPlace(tile));
  finish(carried, f.sub(tile.steps, f.i32(1)), tile);
}

SmallVector<Value> Consumer::eachTold(
    ArrayRef<Value> carried,
    llvm::function_ref<SmallVector<Value>(Value, const Tile &, ValueRange)>
        body) {
  SmallVector<Value> result;
  if (!k.order.draws) {
    Value count = TileWalk(f, k.order).count;
    result = eachTile(count, carried, [&](Value number, ValueRange at) {
      return body(number, taken(number), at);
    });
    result.insert(result.begin(), count);
    return result;
  }
  SmallVector<Value> start = {f.i32(0)};
  llvm::append_range(start, carried);
  SmallVector<Type> told(ValueRange(start).getTypes());
  told.append(Tile::kNumbers, b.getI32Type());
  auto loop = scf::WhileOp::create(
      b, loc, told, start,
      [&](OpBuilder &, Location, ValueRange now) {
        Tile next = taken(now[0]);
        SmallVector<Value> known(now);
        llvm::append_range(known, next.numbers());
        scf::ConditionOp::create(
            b, loc, compared(arith::CmpIPredicate::ne, next.steps, f.i32(0)),
            known);
      },
      [&](OpBuilder &, Location, ValueRange now) {
        SmallVector<Value> next =
            body(now[0], Tile::of(now.take_back(Tile::kNumbers)),
                 now.slice(1, carried.size()));
        next.insert(next.begin(), f.add(now[0], f.i32(1)));
        scf::YieldOp::create(b, loc, next);
      });
  return SmallVector<Value>(loop.getResults().drop_back(Tile::kNumbers));
}

void Consumer::tilesInOrder() {
  eachTold({f.i32(0)},
           [&](Value number, const Tile &told,
               ValueRange carried) -> SmallVector<Value> {
             begin(told, number, carried[0]);
             Carried last = inOrder(f.i32(0), fresh(), Masking::always());
             last = sweeps(f.i32(1), last);
             release(k.queries, number);
             f.storeLogSumExp(last.state, ownPlace(tile));
             finish(last, {}, tile);
             tile::MailReleaseOp::create(b, loc, k.tiles, number);
             return {useOf(tile.steps)};
           });
}

/// The tile before the first is none: its output, of the first values and of
/// probabilities 0 (or what shared memory holds), goes nowhere.
void Consumer::tilesOverlapped() {
  Value zero = f.i32(0), one = f.i32(1);
  Carried none = fresh();
  if (!k.sharedP)
    none.p =
        f.asLhs(tile::FillOp::create(b, loc, f.acc(kRows, k.bn), f.f32(0)));
  none.counts = arith::ConstantIntOp::create(b, loc, 0, 1);
  SmallVector<Value> start = {zero};
  llvm::append_range(start, none.list());
  SmallVector<Value> end =
      eachTold(start, [&](Value number, const Tile &told, ValueRange all) {
        begin(told, number, all[0]);
        Carried carried = overlappedTile(Carried::of(all.drop_front()));
        SmallVector<Value> next = {useOf(tile.steps)};
        llvm::append_range(next, carried.list());
        return next;
      });
  finish(Carried::of(ValueRange(end).drop_front(2)), f.sub(end[1], one),
         taken(f.sub(end[0], one)));
}

/// The first step and the masked ones after it share a loop, or all steps do.
/// In the first the output is that of the tile before: it is stored, and does
/// not count for the second, which is cheaper than a choice between fragments
/// (ptxas then serialises the products).
Carried Consumer::overlappedTile(const Carried &carried) {
  Value zero = f.i32(0), one = f.i32(1);
  Value fullFrom = f.forward.getMask().empty() ? one : tile.firstFull;
  Value end = k.oneLoop ? tile.steps : fullFrom;
  Carried start = carried;
  start.state = f.initialState(kRows);
  Carried next = sweep(zero, end, start, [&](Value step, const Carried &last) {
    Value any = compared(arith::CmpIPredicate::ne, useOf(step), zero);
    Value use = f.max(f.sub(useOf(step), one), zero);
    Masking masking =
        k.oneLoop ? Masking::where(isMasked(step)) : Masking::always();
    Carried after =
        overlapped(step, use, last, masking, any, [&](Value output) {
          Value first = compared(arith::CmpIPredicate::eq, step, zero);
          storeBefore(arith::AndIOp::create(b, loc, first, any), output,
                      carried.state.sum);
        });
    after.counts = compared(arith::CmpIPredicate::ne, step, zero);
    return after;
  });
  if (!k.oneLoop)
    next = sweeps(fullFrom, next);
  // Of the state only the sum is kept for the tile's output.
  f.storeLogSumExp(next.state, ownPlace(tile));
  return next;
}

Value Consumer::isMasked(Value step) {
  Value masked = compared(arith::CmpIPredicate::slt, step, tile.firstFull);
  if (!f.masksBelow())
    return masked;
  Value below = compared(arith::CmpIPredicate::sge, step, tile.endFull);
  return arith::OrIOp::create(b, loc, masked, below);
}

/// Stores the tile before, where there is one, and forgets it.
void Consumer::storeBefore(Value any, Value output, Value sum) {
  auto stored = scf::IfOp::create(b, loc, any);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(stored.thenBlock());
  Value before = f.sub(tileNumber, f.i32(1));
  f.storeOutput(output, sum, ownPlace(taken(before)));
  tile::MailReleaseOp::create(b, loc, k.tiles, before);
}
