// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A group as one sweep over rows. The rows of a block (one vector of them) go
// through the group's phases in turn, while their elements are in the first
// cache: odd phases run over the columns of each row and reduce them, even
// phases compute row fragments, the rows of the block side by side in a vector.
#include "codegen/cpu/LowerTile.h"

using namespace mlir;
using namespace attn_jit;
using namespace attn_jit::cpu;

static tile::FragType resultType(Operation *op) {
  return cast<tile::FragType>(op->getResult(0).getType());
}

LogicalResult TileLowering::sweepRows(Group &group, int phase, Value rowBlock) {
  llvm::MapVector<int64_t, SmallVector<Operation *>> byColumns;
  SmallVector<Operation *> rowOps;
  for (auto [op, at] : group.items)
    if (at == phase) {
      if (phase % 2)
        byColumns[shapeOf(op).getCols()].push_back(op);
      else
        rowOps.push_back(op);
    }
  if (phase % 2 == 0) {
    Site site{rowBlock, b.i64(0), b.lanes};
    for (Operation *op : rowOps)
      if (failed(computeAt(op, site)))
        return failure();
    for (Operation *op : rowOps)
      if (Buffer *buffer = bufferOf(op->getResult(0)))
        b.storeHeld(site.values[op->getResult(0)],
                    b.at(buffer->ptr, b.getF32Type(), rowBlock),
                    resultType(op).getElementType().isInteger(1)
                        ? resultType(op).getElementType()
                        : Type(b.getF32Type()));
    return success();
  }
  if (byColumns.empty())
    return success();
  LogicalResult result = success();
  auto row = [&](Value offset) {
    for (auto &[cols, ops] : byColumns)
      if (succeeded(result))
        result = sweepColumns(group, ops, cols, b.add(rowBlock, offset));
  };
  int64_t block = std::min(group.rows, b.lanes);
  Value end = group.live ? group.live : b.i64(group.rows);
  if (!group.live && group.rows % block == 0)
    b.loop(block, 1, row);
  else
    b.loop(b.i64(0), b.min(b.i64(block), b.sub(end, rowBlock)), 1, row);
  return result;
}

static Value reduceOnce(HostBuilder &b, Operation *op, Value x, Value y) {
  if (cast<tile::ReduceOp>(op).getKind() == tile::ReduceKind::Max)
    return b.fmax(x, y);
  return arith::AddFOp::create(b, x, y);
}

static double identityOf(Operation *op) {
  return cast<tile::ReduceOp>(op).getKind() == tile::ReduceKind::Max
             ? -std::numeric_limits<double>::infinity()
             : 0.0;
}

/// The ops of one phase on one row, in one pass over its columns.
LogicalResult TileLowering::sweepColumns(Group &group,
                                         ArrayRef<Operation *> ops,
                                         int64_t cols, Value row) {
  SmallVector<Operation *> reduces;
  llvm::SetVector<Value> rowValues;
  for (Operation *op : ops) {
    if (isa<tile::ReduceOp>(op))
      reduces.push_back(op);
    for (Value operand : op->getOperands())
      if (root(operand).getDefiningOp<tile::BroadcastOp>())
        rowValues.insert(root(operand));
  }
  // Row values are the same in every column.
  auto siteOf = [&](int64_t width) {
    Site site{row, b.i64(0), width};
    for (Value value : rowValues)
      evaluate(value, site);
    return site;
  };
  auto step = [&](const Site &start, Value col,
                  SmallVectorImpl<Value> &sums) -> LogicalResult {
    size_t next = 0;
    Site site = start;
    site.col = col;
    SmallVector<std::pair<Value, Operation *>> stores;
    for (Operation *op : ops) {
      if (isa<tile::ReduceOp>(op)) {
        Value &sum = sums[next++];
        sum = reduceOnce(b, op, evaluate(op->getOperand(0), site), sum);
        continue;
      }
      if (failed(computeAt(op, site)))
        return failure();
    }
    // Only now, as a result may stand where another op's operand stood.
    for (Operation *op : ops)
      if (Buffer *buffer = bufferOf(op->getResult(0));
          buffer && !isa<tile::ReduceOp>(op)) {
        Type element = resultType(op).getElementType();
        b.storeHeld(
            site.values[op->getResult(0)],
            b.at(buffer->ptr, b.getF32Type(), b.add(b.mul(row, cols), col)),
            element.isInteger(1) ? element : Type(b.getF32Type()));
      }
    return success();
  };

  // Several registers go through each op together: constants are loaded once
  // for them, and their chains of operations overlap.
  int64_t vectors = cols / b.lanes, together = std::min<int64_t>(vectors, 4);
  while (together > 1 && vectors % together)
    --together;
  LogicalResult result = success();
  SmallVector<Value> totals(reduces.size());
  auto total = [&](Operation *op, Value sums) {
    return b.reduceVector(
        sums, [&](Value x, Value y) { return reduceOnce(b, op, x, y); });
  };
  if (vectors) {
    int64_t width = together * b.lanes;
    Site site = siteOf(width);
    SmallVector<Value> sums;
    for (Operation *op : reduces)
      sums.push_back(b.floats(identityOf(op), width));
    sums = b.loop(vectors * b.lanes, width, sums,
                  [&](Value col, ValueRange carried) {
                    SmallVector<Value> next(carried);
                    result = step(site, col, next);
                    return next;
                  });
    for (auto [i, op] : llvm::enumerate(reduces))
      totals[i] = total(op, sums[i]);
  }
  if (int64_t width = cols % b.lanes; width && succeeded(result)) {
    SmallVector<Value> sums;
    for (Operation *op : reduces)
      sums.push_back(b.floats(identityOf(op), width));
    result = step(siteOf(width), b.i64(cols - width), sums);
    for (auto [i, op] : llvm::enumerate(reduces)) {
      Value tail = total(op, sums[i]);
      totals[i] = totals[i] ? reduceOnce(b, op, totals[i], tail) : tail;
    }
  }
  for (auto [op, sum] : llvm::zip(reduces, totals))
    b.store(sum, b.at(bufferOf(op->getResult(0))->ptr, b.getF32Type(), row));
  return result;
}

/// A map or a cast on the elements of `site`.
LogicalResult TileLowering::computeAt(Operation *op, Site &site) {
  Value result = op->getResult(0);
  if (isa<tile::CastOp>(op)) {
    site.values[result] = b.rounded(evaluate(op->getOperand(0), site),
                                    resultType(op).getElementType());
    return success();
  }
  auto map = cast<tile::MapOp>(op);
  llvm::DenseMap<Value, Value> inner;
  for (auto [arg, input] :
       llvm::zip(map.getBody().front().getArguments(), map.getInputs()))
    inner[arg] = evaluate(input, site);
  auto lookup = [&](Value value) {
    Value &known = inner[value];
    if (!known)
      known = b.splat(scalars.lookup(value), site.width);
    return known;
  };
  for (Operation &each : map.getBody().front().without_terminator()) {
    SmallVector<Value> operands;
    for (Value operand : each.getOperands())
      operands.push_back(lookup(operand));
    FailureOr<Value> value = buildElementwise(b, each, operands, site.width);
    if (failed(value))
      return failure();
    inner[each.getResult(0)] = *value;
  }
  auto yield = cast<tile::YieldOp>(map.getBody().front().getTerminator());
  site.values[result] = lookup(yield.getValue());
  return success();
}

/// The elements of a fragment at `site`, computed there or read from its
/// buffer.
Value TileLowering::evaluate(Value value, Site &site) {
  Value base = root(value);
  if (Value known = site.values.lookup(base))
    return known;
  auto here = [&]() -> Value {
    if (auto fill = base.getDefiningOp<tile::FillOp>())
      return b.splat(scalars.lookup(fill.getValue()), site.width);
    if (auto coord = base.getDefiningOp<tile::CoordOp>()) {
      Value index = coord.getDim() == 0 ? site.row : site.col;
      index = arith::TruncIOp::create(b, b.getI32Type(), index);
      Value first = b.add(scalars.lookup(coord.getBase()), index);
      Value all = b.splat(first, site.width);
      // A row fragment lies along its rows.
      bool same = coord.getDim() == 0 && coord.getType().isMatrix();
      return same ? all : b.add(all, b.iota(site.width));
    }
    if (auto broadcast = base.getDefiningOp<tile::BroadcastOp>()) {
      Site one{site.row, b.i64(0), 1};
      return b.splat(evaluate(broadcast.getValue(), one), site.width);
    }
    auto pending = dyn_cast<tile::PendingType>(base.getType());
    tile::FragType type =
        pending ? pending.getFrag() : cast<tile::FragType>(base.getType());
    Value index = site.row;
    if (type.isMatrix())
      index = b.add(b.mul(site.row, type.getCols()), site.col);
    // 16-bit elements are stored as they are held.
    Type element = type.getElementType();
    return b.loadHeld(b.at(bufferOf(base)->ptr, b.getF32Type(), index),
                      isa<FloatType>(element) ? b.getF32Type() : element,
                      site.width);
  };
  return site.values[base] = here();
}
