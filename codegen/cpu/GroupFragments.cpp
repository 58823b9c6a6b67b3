// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which fragment ops are computed together, in which phase, and where their
// results are stored. A result that only its own phase reads is never stored;
// another takes the buffer of what it is the last to read, where the loop
// around wants it.
#include "codegen/cpu/LowerTile.h"

using namespace mlir;
using namespace attn_jit;
using namespace attn_jit::cpu;

tile::FragType attn_jit::cpu::shapeOf(Operation *op) {
  if (auto reduce = dyn_cast<tile::ReduceOp>(op))
    return reduce.getValue().getType();
  return cast<tile::FragType>(op->getResult(0).getType());
}

bool TileLowering::joinsGroup(Operation &op) {
  return isa<tile::MapOp, tile::ReduceOp>(op) ||
         (isa<tile::CastOp>(op) && root(op.getResult(0)) == op.getResult(0));
}

/// The stored values that `operand` is computed from: through a broadcast, its
/// row.
static Value stored(Value root, llvm::function_ref<Value(Value)> rootOf) {
  while (auto broadcast = root.getDefiningOp<tile::BroadcastOp>())
    root = rootOf(broadcast.getValue());
  return root;
}

LogicalResult TileLowering::flush() {
  while (!pending.empty()) {
    Group group;
    group.rows = shapeOf(pending.front()).getRows();
    size_t taken = 0;
    for (; taken < pending.size(); ++taken) {
      Operation *op = pending[taken];
      if (shapeOf(op).getRows() != group.rows)
        break;
      bool matrix = shapeOf(op).isMatrix();
      int phase = matrix ? 1 : 0;
      for (Value operand : op->getOperands()) {
        Value from = stored(root(operand), [&](Value v) { return root(v); });
        auto known = group.defined.find(from);
        if (known == group.defined.end())
          continue;
        // A row of a matrix phase, as a reduction's, is whole only after it.
        bool row = !cast<tile::FragType>(from.getType()).isMatrix();
        int ready = known->second + (row && known->second % 2 ? 1 : 0);
        if (matrix && row)
          ready += ready % 2 ? 0 : 1;
        phase = std::max(phase, ready);
      }
      group.items.push_back({op, phase});
      group.defined[op->getResult(0)] = phase;
      group.phases = std::max(group.phases, phase + 1);
      for (Value operand : op->getOperands()) {
        int &last = group.lastRead[stored(root(operand),
                                          [&](Value v) { return root(v); })];
        last = std::max(last, phase);
      }
    }
    // Position of the op that ends the group: nothing before it reads more.
    group.end = taken < pending.size() ? position(pending[taken])
                                       : position(pending.back()) + 1;
    pending.erase(pending.begin(), pending.begin() + taken);
    // By phase, and in order within one.
    SmallVector<Group::Item> ordered;
    for (int phase = 0; phase < group.phases; ++phase)
      llvm::copy_if(group.items, std::back_inserter(ordered),
                    [=](const Group::Item &x) { return x.phase == phase; });
    group.items = std::move(ordered);
    placeResults(group);

    LogicalResult result = success();
    auto block = [&](Value rowBlock) {
      for (int phase = 0; phase < group.phases && succeeded(result); ++phase)
        result = sweepRows(group, phase, rowBlock);
    };
    group.live = liveRows(group.rows);
    if (group.live)
      b.loop(b.i64(0), group.live, b.lanes, block);
    else
      b.loop(group.rows, b.lanes, block);
    if (failed(result))
      return failure();
    release(currentBlock, group.end - 1);
  }
  return success();
}

/// Gives a buffer to each result that outlives its phase.
void TileLowering::placeResults(Group &group) {
  auto sameShape = [](Value x, Value y) {
    auto shape = [](Type type) {
      if (auto pending = dyn_cast<tile::PendingType>(type))
        return pending.getFrag().getShape();
      return cast<tile::FragType>(type).getShape();
    };
    return shape(x.getType()) == shape(y.getType());
  };
  for (auto [op, phase] : group.items) {
    Value result = op->getResult(0);
    int64_t elements = elementsOf(result.getType(), b.lanes);
    bool outlives = !diesBefore(result, group.end);
    if (!outlives && group.lastRead.lookup(result) <= phase &&
        !isa<tile::ReduceOp>(op))
      continue;
    // The owner is read for the last time before the result is written, or with
    // it, element by element.
    auto free = [&](Buffer *buffer) {
      Value owner = buffer->owner;
      return buffer->elements == elements &&
             (!owner ||
              (diesBefore(owner, group.end) && sameShape(owner, result) &&
               group.lastRead.lookup(owner) <= phase &&
               group.defined.lookup(owner) <= phase));
    };
    Buffer *place = wanted(result, blockYields);
    if (!place || !free(place)) {
      place = nullptr;
      for (Value operand : op->getOperands())
        if (Buffer *buffer = bufferOf(root(operand)))
          // A buffer that a loop carries must hold what the loop yields.
          if (!place && free(buffer) &&
              (!buffer->pins || wanted(result, blockYields) == buffer))
            place = buffer;
    }
    if (!place)
      place = allocate(elements);
    give(place, result);
  }
}
