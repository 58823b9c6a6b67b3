// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/schedule/TileOrder.h"
#include "codegen/schedule/ForwardBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn_jit;

static Value tilesOfHead(ForwardBuilder &f, int64_t rows) {
  return arith::CeilDivSIOp::create(f.b, f.loc, f.qLen, f.i32(rows));
}

static Value programId(ForwardBuilder &f, int64_t dim) {
  return tile::ProgramIdOp::create(f.b, f.loc, f.b.getI32Type(), dim);
}

/// `workgroups` of them as clusters.
static Value clusters(ForwardBuilder &f, int64_t cluster, Value workgroups) {
  return cluster == 1
             ? workgroups
             : arith::DivUIOp::create(f.b, f.loc, workgroups, f.i32(cluster))
                   .getResult();
}

//===-- the grid ----------------------------------------------------------===//

SmallVector<std::string> TileOrder::grid() const {
  std::string tiles = llvm::formatv("ceil_div(q_len, {0})", bm / heads).str();
  if (cluster > 1)
    tiles += llvm::formatv(" * {0}", cluster).str();
  std::string packs =
      heads == 1 ? "q_heads"
                 : llvm::formatv("ceil_div(q_heads, {0})", heads).str();
  if (!resident)
    return {tiles, packs, "batch"};
  return {"resident(" + tiles + " * " + packs + " * batch)"};
}

SmallVector<StringRef> TileOrder::scalars() const {
  if (!resident)
    return {};
  return {"batch", "q_heads", "workgroups"};
}

TilePlace TileOrder::own(ForwardBuilder &f) const {
  Value index = clusters(f, cluster, programId(f, 0));
  if (kind == Reverse)
    index = f.sub(f.sub(tilesOfHead(f, bm / heads), f.i32(1)), index);
  TilePlace place{
      programId(f, 2), programId(f, 1), {}, f.mul(index, f.i32(bm))};
  if (heads > 1)
    place.head = f.mul(place.head, f.i32(heads));
  place.kvHead = arith::DivUIOp::create(f.b, f.loc, place.head,
                                        f.argument("heads_per_kv"));
  return place;
}

//===-- the walk ----------------------------------------------------------===//

Value TileWalk::divided(Value x, Value y) {
  return arith::DivUIOp::create(f.b, f.loc, x, y);
}
Value TileWalk::isBefore(Value x, Value y) {
  return arith::CmpIOp::create(f.b, f.loc, arith::CmpIPredicate::slt, x, y);
}
Value TileWalk::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(f.b, f.loc, condition, x, y);
}

TileWalk::TileWalk(ForwardBuilder &f, const TileOrder &order)
    : f(f), order(order), heads(f.argument("q_heads")),
      group(f.argument("heads_per_kv")), workgroups(f.argument("workgroups")),
      id(clusters(f, order.cluster, programId(f, 0))) {
  Value one = f.i32(1);
  Value walked = order.heads == 1 ? heads : divided(heads, f.i32(order.heads));
  allHeads = f.mul(walked, f.argument("batch"));
  // A workgroup that runs has a tile, and one of a cluster the others: 1 is
  // there for the divisions alone.
  if (order.cluster > 1)
    workgroups = f.max(clusters(f, order.cluster, workgroups), one);
  tiles = f.max(tilesOfHead(f, order.bm / order.heads), one);
  if (order.kind != TileOrder::Paired) {
    allTurns = f.mul(tiles, allHeads);
    if (!order.draws)
      count = turns(allTurns);
    return;
  }
  pairs = arith::ShRUIOp::create(f.b, f.loc, tiles, one);
  odd = arith::AndIOp::create(f.b, f.loc, tiles, one);
  Value round =
      divided(f.sub(f.add(workgroups, pairs), one), f.max(pairs, one));
  lastHeads = f.min(allHeads, round);
  pairedHeads = f.sub(allHeads, lastHeads);
  allPairs = f.mul(pairedHeads, pairs);
  mixedRound = divided(allPairs, workgroups);
  ownPairs =
      f.add(mixedRound,
            arith::ExtUIOp::create(
                f.b, f.loc, f.b.getI32Type(),
                isBefore(f.add(f.mul(mixedRound, workgroups), id), allPairs)));
  Value rest = f.add(f.mul(lastHeads, tiles), f.mul(odd, pairedHeads));
  count = f.add(turns(f.add(allPairs, rest)), ownPairs);
}

Value TileWalk::turnOf(Value round) {
  Value start = f.mul(round, workgroups);
  if (order.kind != TileOrder::Paired)
    return f.add(start, id);
  Value since = f.max(f.sub(round, mixedRound), f.i32(0));
  Value back = arith::TruncIOp::create(f.b, f.loc, f.b.getI1Type(), since);
  return f.add(start, select(back, f.sub(f.sub(workgroups, f.i32(1)), id), id));
}

Value TileWalk::turns(Value all) {
  Value whole = divided(all, workgroups);
  Value more = isBefore(turnOf(whole), all);
  return f.add(whole,
               arith::ExtUIOp::create(f.b, f.loc, f.b.getI32Type(), more));
}

void TileWalk::paired(Value visit, Value &all, Value &index) {
  Value one = f.i32(1), most = f.sub(tiles, one);
  Value inPair = isBefore(visit, f.mul(ownPairs, f.i32(2)));
  Value second = arith::TruncIOp::create(f.b, f.loc, f.b.getI1Type(), visit);
  Value half = arith::ShRUIOp::create(f.b, f.loc, visit, one);
  Value turn = turnOf(select(inPair, half, f.sub(visit, ownPairs)));
  // One division serves both kinds of turn.
  Value single = f.sub(turn, allPairs);
  Value number = select(inPair, turn, single);
  Value by = f.max(select(inPair, pairs, lastHeads), one);
  Value quotient = divided(number, by);
  Value remainder = f.sub(number, f.mul(quotient, by));
  // Of a pair: head `quotient`, `remainder` from either end.
  Value ofPair = select(second, f.add(remainder, odd), f.sub(most, remainder));
  // Of a single tile: `quotient` from the end, or, beyond those, the first.
  Value left = f.sub(single, f.mul(lastHeads, tiles));
  Value isLeft = arith::CmpIOp::create(f.b, f.loc, arith::CmpIPredicate::sge,
                                       left, f.i32(0));
  Value ofSingle = select(isLeft, f.i32(0), f.sub(most, quotient));
  Value headOfSingle = select(isLeft, left, f.add(pairedHeads, remainder));
  all = select(inPair, quotient, headOfSingle);
  index = select(inPair, ofPair, ofSingle);
}

TilePlace TileWalk::at(Value visit) {
  if (order.kind != TileOrder::Paired)
    return atTurn(turnOf(visit));
  Value all, index;
  paired(visit, all, index);
  return placeOf(all, index);
}

Value TileWalk::isTurn(Value turn) { return isBefore(turn, allTurns); }

Value TileWalk::drawTurn() {
  Value drawn = tile::DrawOp::create(
      f.b, f.loc, f.b.getI32Type(), f.argument(tile::kWorkspaceName), allTurns);
  return f.add(workgroups, drawn);
}

TilePlace TileWalk::atTurn(Value turn) {
  Value all, index;
  if (order.section == 1) {
    all = divided(turn, tiles);
    index = f.sub(turn, f.mul(all, tiles));
  } else {
    // A turn has a head, and a head tiles: 1 is there for the divisions alone.
    Value one = f.i32(1), heads = f.i32(order.section);
    Value turns = f.max(f.mul(heads, tiles), one);
    Value section = divided(turn, turns);
    Value first = f.mul(section, heads);
    Value within = f.sub(turn, f.mul(section, turns));
    // The last section may have fewer.
    Value own = f.max(f.min(heads, f.sub(allHeads, first)), one);
    index = divided(within, own);
    all = f.add(first, f.sub(within, f.mul(index, own)));
  }
  if (order.kind == TileOrder::Reverse)
    index = f.sub(f.sub(tiles, f.i32(1)), index);
  return placeOf(all, index);
}

/// The tile `index` of head `all` of all heads that walk.
TilePlace TileWalk::placeOf(Value all, Value index) {
  if (order.heads > 1)
    all = f.mul(all, f.i32(order.heads));
  TilePlace place;
  place.batch = divided(all, heads);
  place.head = f.sub(all, f.mul(place.batch, heads));
  place.kvHead = divided(place.head, group);
  place.row = f.mul(index, f.i32(order.bm));
  return place;
}
