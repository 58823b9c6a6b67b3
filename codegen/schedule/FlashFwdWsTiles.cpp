// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How flash_fwd_ws.v1's consumer goes over tiles: its one, or those that the
// producer tells. With overlap it goes on across them: the first scores of a
// tile are computed beside the last output of the tile before, whose rows are
// stored then.
#include "codegen/schedule/FlashFwdWs.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn_jit;
using namespace attn_jit::ws;

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
