// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// flash_fwd_ws.v1: a producer fills rings of key and value tiles, each consumer
// owns 64 query rows (FlashAttention-3, section 3).
#include "codegen/schedule/FlashFwdWs.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn_jit;
using namespace attn_jit::ws;

//===-- the kernel --------------------------------------------------------===//

Kernel::Kernel(ForwardBuilder &f)
    : f(f), bm(f.schedule.get("bm")), bn(f.schedule.get("bn")),
      consumers(bm / kRows), overlap(f.schedule.get("overlap")),
      sharedP(f.schedule.get("p")), pingpong(f.schedule.get("pingpong")),
      anchor(f.schedule.get("anchor")), oneLoop(f.schedule.get("loops")) {
  f.rescalesWhereMoved = f.schedule.get("rescale");
  order.cluster = f.schedule.get("cluster");
  order.bm = bm * order.cluster;
  order.heads = f.schedule.get("pack_gqa");
  f.packing = {order.heads, bm / order.heads};
  order.kind = TileOrder::Kind(f.schedule.get("order"));
  order.resident = f.schedule.get("grid") != TileOrder::OneTile;
  order.draws = f.schedule.get("grid") == TileOrder::Dynamic;
  order.section = f.schedule.get("section");
}

void Kernel::createRings() {
  auto pipe = [&](int64_t stages, int64_t rows, int64_t cols,
                  bool clusterWide = false) -> Value {
    auto type =
        tile::PipeType::get(f.b.getContext(), stages, f.sharedType(rows, cols),
                            tile::Transport::Bulk);
    return tile::PipeCreateOp::create(
        f.b, f.loc, type, consumers, IntegerAttr(), IntegerAttr(), clusterWide);
  };
  int64_t stages = f.schedule.get("stages");
  bool shares = order.cluster > 1;
  queries = pipe(f.schedule.get("q_stages"), bm, f.headCols);
  keys = pipe(stages, bn, f.headCols, shares);
  values = pipe(stages, bn, f.valueCols, shares);
  // A tile is told while the two before it are worked on and stored; of four
  // stages the number is a mask, not a division.
  constexpr int64_t kTold = 4;
  if (order.resident)
    tiles = tile::MailCreateOp::create(
        f.b, f.loc,
        tile::MailType::get(f.b.getContext(), kTold, Tile::kNumbers), consumers,
        IntegerAttr());
  if (sharedP)
    probabilities =
        tile::AllocOp::create(f.b, f.loc, f.sharedType(bm, bn), IntegerAttr());
}

Tile Tile::at(ForwardBuilder &f, const TilePlace &place, const TileOrder &order,
              int64_t bn) {
  OpBuilder &b = f.b;
  Location loc = f.loc;
  KeyBlocks blocks = f.keyBlocks(place.row, order.bm, bn);
  // At least one block, so that a tile that sees no key still stores. That one
  // lies beyond the keys, where a copy brings zeros: what another block holds
  // could be no number, and where there are no keys nobody owns the memory.
  Value none = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle,
                                     blocks.end, blocks.first);
  Value beyond =
      f.add(arith::DivUIOp::create(b, loc, f.kvLen, f.i32(bn)), f.i32(1));
  blocks.end = f.max(blocks.end, f.add(blocks.first, f.i32(1)));
  Value last = arith::SelectOp::create(b, loc, none, beyond,
                                       f.sub(blocks.end, f.i32(1)));
  Tile described;
  described.batch = place.batch, described.head = place.head,
  described.row = place.row, described.lastBlock = last;
  if (order.cluster > 1) {
    Value rank = tile::ClusterRankOp::create(b, loc, b.getI32Type());
    described.row =
        f.add(place.row, f.mul(rank, f.i32(order.bm / order.cluster)));
  }
  described.steps = f.sub(blocks.end, blocks.first);
  described.firstFull = f.min(
      f.max(f.sub(blocks.end, blocks.endFull), f.i32(1)), described.steps);
  described.endFull =
      f.max(f.min(f.sub(blocks.end, blocks.firstFull), described.steps),
            described.firstFull);
  return described;
}

SmallVector<Value> Tile::numbers() const {
  return {batch, head, row, lastBlock, steps, firstFull, endFull};
}

Tile Tile::of(ValueRange n) {
  return {n[0], n[1], n[2], n[3], n[4], n[5], n[6]};
}

//===-- a role ------------------------------------------------------------===//

Value Role::compared(arith::CmpIPredicate predicate, Value x, Value y) {
  return arith::CmpIOp::create(b, loc, predicate, x, y);
}
Value Role::keyOf(Value step) {
  return f.mul(f.sub(tile.lastBlock, step), f.i32(k.bn));
}
Value Role::useOf(Value step) { return f.add(firstUse, step); }

void Role::enter(const Tile &entered, Value number, Value first) {
  tile = entered;
  f.place = {tile.batch, tile.head, {}, tile.row};
  tileNumber = number;
  firstUse = first;
}

SmallVector<Value>
Role::eachTile(Value count, ArrayRef<Value> carried,
               llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, loc, f.i32(0), count, f.i32(1), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(b, loc, next);
  return loop.getResults();
}

//===-- the producer ------------------------------------------------------===//

namespace {
class Producer : public Role {
public:
  using Role::Role;

  void build() {
    if (!k.order.resident)
      return fillTile(k.place, k.tile, f.i32(0), f.i32(0));
    TileWalk walk(f, k.order);
    if (k.order.draws)
      return drawTiles(walk);
    eachTile(walk.count, {f.i32(0)},
             [&](Value number, ValueRange carried) -> SmallVector<Value> {
               return {tellAndFill(walk.at(number), number, carried[0])};
             });
  }

private:
  /// The next tile is drawn before this one is filled, which takes longer than
  /// the counter's memory. After the last, consumers are told one of no step.
  void drawTiles(TileWalk &walk) {
    Value none = f.i32(0);
    SmallVector<Value> start = {none, walk.firstTurn(), none};
    auto loop = scf::WhileOp::create(
        b, loc, SmallVector<Type>(start.size(), b.getI32Type()), start,
        [&](OpBuilder &, Location, ValueRange now) {
          scf::ConditionOp::create(b, loc, walk.isTurn(now[1]), now);
        },
        [&](OpBuilder &, Location, ValueRange now) {
          Value next = walk.drawTurn();
          Value use = tellAndFill(walk.atTurn(now[1]), now[0], now[2]);
          scf::YieldOp::create(b, loc, {f.add(now[0], f.i32(1)), next, use});
        });
    tile::MailPostOp::create(b, loc, k.tiles, loop.getResult(0),
                             SmallVector<Value>(Tile::kNumbers, none));
  }

  /// The first use of the tile after.
  Value tellAndFill(const TilePlace &place, Value number, Value first) {
    Tile at = Tile::at(f, place, k.order, k.bn);
    tile::MailPostOp::create(b, loc, k.tiles, number, at.numbers());
    fillTile(place, at, number, first);
    return useOf(tile.steps);
  }

  void fill(Value pipe, Value use, Value tensor, Value head, Value row,
            Value limit, int64_t heads = 1) {
    tile::PipeAcquireOp::create(b, loc, pipe, use);
    tile::CopyOp::create(b, loc, tensor, tile.batch, head, row, limit, pipe,
                         use, heads);
    tile::PipeCommitOp::create(b, loc, pipe, use);
  }
  void fillKeys(Value step) {
    fill(k.keys, useOf(step), f.key, kvHead, keyOf(step), f.kvLen);
  }
  void fillValues(Value step) {
    fill(k.values, useOf(step), f.value, kvHead, keyOf(step), f.kvLen);
  }

  /// Where a tile before is still being worked on, keys come before queries:
  /// their stage is free first.
  void fillTile(const TilePlace &place, const Tile &at, Value number,
                Value first) {
    enter(at, number, first);
    kvHead = place.kvHead;
    if (k.order.resident)
      fillKeys(f.i32(0));
    fill(k.queries, number, f.query, tile.head, f.firstRow(tile.row), f.qLen,
         k.order.heads);
    if (k.order.resident)
      fillValues(f.i32(0));
    auto loop = scf::ForOp::create(b, loc, f.i32(k.order.resident), tile.steps,
                                   f.i32(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    fillKeys(loop.getInductionVar());
    fillValues(loop.getInductionVar());
  }

  Value kvHead;
};
} // namespace

//===-- the builder -------------------------------------------------------===//

void attn_jit::buildFlashFwdWs(ForwardBuilder &f) {
  OpBuilder &b = f.b;
  Location loc = f.loc;
  Kernel kernel(f);
  f.createKernel(kernel.consumers + 1, tile::Access::Bulk, kernel.order);
  kernel.createRings();
  if (!kernel.order.resident) {
    kernel.place = kernel.order.own(f);
    kernel.tile = Tile::at(f, kernel.place, kernel.order, kernel.bn);
  }
  auto roles = tile::SpecializeOp::create(
      b, loc, b.getStrArrayAttr({"producer", "consumer"}),
      b.getDenseI64ArrayAttr({1, kernel.consumers}),
      b.getDenseI64ArrayAttr(
          {f.schedule.get("producer_regs"), f.schedule.get("consumer_regs")}),
      b.getDenseBoolArrayAttr({true, false}), /*rolesCount=*/2);
  auto role = [&](unsigned index, auto body) {
    OpBuilder::InsertionGuard guard(b);
    Block &block = roles.getRoles()[index].emplaceBlock();
    block.addArgument(b.getI32Type(), loc);
    b.setInsertionPointToStart(&block);
    body(block.getArgument(0));
    tile::YieldOp::create(b, loc);
  };
  role(0, [&](Value) { Producer(kernel).build(); });
  role(1, [&](Value unit) { Consumer(kernel).build(unit); });
  b.setInsertionPointAfter(roles);
  f.finishKernel();
}
