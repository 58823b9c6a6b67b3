// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// flash_fwd_ws.v1: a producer fills rings of key and value tiles, each consumer
// owns 64 query rows. Key blocks are visited from the last to the first, so
// that masked blocks come first. With overlap, step i's scores are computed
// while step i-1's output is, and softmax runs beside the latter
// (FlashAttention-3, section 3).
#include "codegen/schedule/ForwardBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace attn_jit;

namespace {
class WarpSpecialized {
public:
  explicit WarpSpecialized(ForwardBuilder &f)
      : f(f), b(f.b), loc(f.loc), bm(f.schedule.get("bm")),
        bn(f.schedule.get("bn")), consumers(bm / kRows),
        overlap(f.schedule.get("overlap")), sharedP(f.schedule.get("p")),
        pingpong(f.schedule.get("pingpong")), anchor(f.schedule.get("anchor")) {
  }

  void build() {
    f.createKernel(consumers + 1, tile::Access::Bulk, bm,
                   f.schedule.get("order"));
    int64_t stages = f.schedule.get("stages");
    queries = pipe(1, bm, f.problem.headDim);
    keys = pipe(stages, bn, f.problem.headDim);
    values = pipe(stages, bn, f.problem.valueDim);
    if (sharedP)
      probabilities =
          tile::AllocOp::create(b, loc, f.sharedType(bm, bn), IntegerAttr());
    KeyBlocks blocks = f.keyBlocks(f.tileRow, bm, bn);
    // At least one block, so that a tile that sees no key still stores. That
    // one lies beyond the keys, where a copy brings zeros: what another block
    // holds could be no number, and where there are no keys nobody owns the
    // memory.
    Value none = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle,
                                       blocks.end, blocks.first);
    Value beyond =
        f.add(arith::DivUIOp::create(b, loc, f.kvLen, f.i32(bn)), f.i32(1));
    blocks.end = f.max(blocks.end, f.add(blocks.first, f.i32(1)));
    last = arith::SelectOp::create(b, loc, none, beyond,
                                   f.sub(blocks.end, f.i32(1)));
    steps = f.sub(blocks.end, blocks.first);
    // Steps [0, firstFull) and [endFull, steps) are masked.
    firstFull = f.max(f.sub(blocks.end, blocks.endFull), f.i32(1));
    endFull = f.sub(blocks.end, blocks.firstFull);
    masksBelow = blocks.firstFull != blocks.first;

    auto roles = tile::SpecializeOp::create(
        b, loc, b.getStrArrayAttr({"producer", "consumer"}),
        b.getDenseI64ArrayAttr({1, consumers}),
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
    role(0, [&](Value) { produce(); });
    role(1, [&](Value unit) { consume(unit); });
    b.setInsertionPointAfter(roles);
    f.finishKernel();
  }

private:
  static constexpr int64_t kRows = 64;

  Value pipe(int64_t stages, int64_t rows, int64_t cols) {
    auto type =
        tile::PipeType::get(b.getContext(), stages, f.sharedType(rows, cols),
                            tile::Transport::Bulk);
    return tile::PipeCreateOp::create(b, loc, type, consumers, IntegerAttr(),
                                      IntegerAttr());
  }

  //===-- producer
  //---------------------------------------------------------===//

  void fill(Value pipe, Value use, Value tensor, Value head, Value row,
            Value limit) {
    tile::PipeAcquireOp::create(b, loc, pipe, use);
    tile::CopyOp::create(b, loc, tensor, f.batch, head, row, limit, pipe, use);
    tile::PipeCommitOp::create(b, loc, pipe, use);
  }

  void produce() {
    fill(queries, f.i32(0), f.query, f.head, f.tileRow, f.qLen);
    auto loop = scf::ForOp::create(b, loc, f.i32(0), steps, f.i32(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value step = loop.getInductionVar(), row = keyOf(step);
    fill(keys, step, f.key, f.kvHead, row, f.kvLen);
    fill(values, step, f.value, f.kvHead, row, f.kvLen);
  }

  //===-- consumers
  //--------------------------------------------------------===//

  /// What a consumer carries from step to step.
  struct Carried {
    SoftmaxState state;
    Value output;
    Value p; ///< With overlap: the last step's left operand, when in registers.

    SmallVector<Value> list() const {
      SmallVector<Value> all = {state.max, state.sum, output};
      if (p)
        all.push_back(p);
      return all;
    }
    static Carried of(ValueRange all) {
      return {{all[0], all[1]}, all[2], all.size() > 3 ? all[3] : Value()};
    }
  };

  Value keyOf(Value step) { return f.mul(f.sub(last, step), f.i32(bn)); }

  Value slot(Value pipe, Value use) {
    auto type = cast<tile::PipeType>(pipe.getType());
    return tile::PipeWaitOp::create(b, loc, type.getSlot(), pipe, use);
  }
  void release(Value pipe, Value use, Value token = {}) {
    tile::PipeReleaseOp::create(b, loc, pipe, use, token);
  }
  Value start(Value lhs, Value rhs, Value acc, int64_t cols, bool transposed) {
    auto type = tile::PendingType::get(b.getContext(), f.acc(kRows, cols));
    return tile::MmaOp::create(b, loc, type, lhs, rhs, acc, transposed);
  }
  Value startScores(Value step) {
    return start(query, slot(keys, step), Value(), bn, true);
  }
  Value startOutput(Value p, Value step, Value output) {
    return start(sharedP ? ownProbabilities : p, slot(values, step), output,
                 f.problem.valueDim, false);
  }
  Value wait(Value pending, int64_t inFlight) {
    auto type = cast<tile::PendingType>(pending.getType()).getFrag();
    return tile::WaitOp::create(b, loc, type, pending, inFlight);
  }
  /// Probabilities as the second product reads them.
  Value publish(Value p) {
    if (!sharedP)
      return f.asLhs(p);
    auto narrow = cast<tile::FragType>(p.getType()).withElement(f.element);
    tile::PutOp::create(b, loc, tile::CastOp::create(b, loc, narrow, p),
                        ownProbabilities);
    tile::PublishOp::create(b, loc);
    return {};
  }
  /// Waits for this consumer's turn at the matrix unit; passes it on.
  void takeTurn() {
    if (pingpong)
      tile::NamedBarrierSyncOp::create(b, loc, ownTurn, 2);
  }
  void passTurn() {
    if (pingpong)
      tile::NamedBarrierArriveOp::create(b, loc, nextTurn, 2);
  }

  Carried overlapped(Value step, Carried carried, bool masked) {
    Value before = f.sub(step, f.i32(1));
    Value keyTile = slot(keys, step);
    takeTurn();
    Value scoresPending = start(query, keyTile, Value(), bn, true);
    Value outputPending = startOutput(carried.p, before, carried.output);
    passTurn();
    Value scores = wait(scoresPending, 1);
    if (!anchor)
      release(keys, step);
    SoftmaxStep next =
        f.softmax(scores, carried.state, row, keyOf(step), masked);
    if (anchor)
      release(keys, step,
              tile::AnchorOp::create(b, loc, b.getI1Type(), next.state.sum));
    Value output = wait(outputPending, 0);
    release(values, before);
    Value p = publish(next.probabilities);
    return {next.state, f.rescaled(output, next.rescale), p};
  }

  Carried inOrder(Value step, Carried carried, bool masked) {
    Value keyTile = slot(keys, step);
    takeTurn();
    Value scoresPending = start(query, keyTile, Value(), bn, true);
    passTurn();
    Value scores = wait(scoresPending, 0);
    release(keys, step);
    SoftmaxStep next =
        f.softmax(scores, carried.state, row, keyOf(step), masked);
    Value output = f.rescaled(carried.output, next.rescale);
    Value p = publish(next.probabilities);
    output = wait(startOutput(p, step, output), 0);
    release(values, step);
    return {next.state, output, {}};
  }

  Carried sweep(Value first, Value end, Carried carried, bool masked) {
    auto loop =
        scf::ForOp::create(b, loc, first, end, f.i32(1), carried.list());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value step = loop.getInductionVar();
    Carried at = Carried::of(loop.getRegionIterArgs());
    Carried next =
        overlap ? overlapped(step, at, masked) : inOrder(step, at, masked);
    scf::YieldOp::create(b, loc, next.list());
    return Carried::of(loop.getResults());
  }

  void consume(Value unit) {
    Value offset = f.mul(unit, f.i32(kRows));
    row = f.add(f.tileRow, offset);
    if (sharedP)
      ownProbabilities = f.slice(probabilities, offset, kRows);
    if (pingpong)
      beginTurns(unit);
    query = f.slice(slot(queries, f.i32(0)), offset, kRows);

    Carried carried = {f.initialState(kRows), f.initialOutput(kRows), {}};
    Value zero = f.i32(0);
    if (overlap) {
      Value scores = wait(startScores(zero), 0);
      release(keys, zero);
      SoftmaxStep first =
          f.softmax(scores, carried.state, row, keyOf(zero), /*masked=*/true);
      carried.state = first.state;
      carried.p = publish(first.probabilities);
    } else {
      carried = inOrder(zero, carried, /*masked=*/true);
    }
    Value one = f.i32(1);
    bool onlyTail = f.forward.getMask().empty();
    if (!onlyTail)
      carried = sweep(one, f.min(firstFull, steps), carried, /*masked=*/true);
    Value fullFrom = onlyTail ? one : f.min(firstFull, steps);
    Value fullTo = masksBelow ? f.max(f.min(endFull, steps), fullFrom) : steps;
    carried = sweep(fullFrom, fullTo, carried, /*masked=*/false);
    if (masksBelow)
      carried = sweep(fullTo, steps, carried, /*masked=*/true);
    if (overlap) {
      Value final = f.sub(steps, one);
      carried.output = wait(startOutput(carried.p, final, carried.output), 0);
      release(values, final);
    }
    f.epilogue(carried.output, carried.state, row);
  }

  /// Barrier 1 + k is consumer k's turn; barrier 0 is the workgroup's. The
  /// first turn is consumer 0's: it arrives for itself.
  void beginTurns(Value unit) {
    ownTurn = f.add(unit, f.i32(1));
    Value wraps = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, unit,
                                        f.i32(consumers - 1));
    nextTurn =
        arith::SelectOp::create(b, loc, wraps, f.i32(1), f.add(unit, f.i32(2)));
    Value isFirst =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, unit, f.i32(0));
    auto first = scf::IfOp::create(b, loc, isFirst);
    OpBuilder inner = first.getThenBodyBuilder();
    tile::NamedBarrierArriveOp::create(inner, loc, ownTurn, 2);
  }

  ForwardBuilder &f;
  OpBuilder &b;
  Location loc;
  int64_t bm, bn, consumers;
  bool overlap, sharedP, pingpong, anchor, masksBelow = false;
  Value queries, keys, values, probabilities, ownProbabilities;
  Value query, row, last, steps, firstFull, endFull, ownTurn, nextTurn;
};
} // namespace

void attn_jit::buildFlashFwdWs(ForwardBuilder &f) {
  WarpSpecialized(f).build();
}
