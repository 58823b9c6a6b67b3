// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks, loops and branches. A fragment that a loop carries stays in one
// buffer; what a trip computes for the next is computed there, or copied at its
// end.
#include "codegen/cpu/LowerTile.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace attn_jit;
using namespace attn_jit::cpu;

LogicalResult TileLowering::lowerBlock(Block &block,
                                       ArrayRef<Buffer *> yields) {
  llvm::SaveAndRestore inBlock(currentBlock, &block);
  llvm::SaveAndRestore toward(blockYields, yields);
  for (Operation &op : block.without_terminator())
    if (failed(lowerOp(op)))
      return failure();
  if (failed(flush()))
    return failure();
  // A value that a later copy overwrites, as when a loop exchanges two, is
  // saved first.
  auto results = block.getTerminator()->getOperands();
  if (!yields.empty()) {
    SmallVector<std::pair<Value, Buffer *>> moves;
    for (auto [value, to] : llvm::zip(results, yields))
      if (to && bufferOf(root(value)) != to)
        moves.push_back({root(value), to});
    SmallVector<std::pair<Buffer *, Buffer *>> saved;
    for (auto [value, to] : moves) {
      Buffer *from = bufferOf(value);
      if (!from || !llvm::is_contained(yields, from))
        continue;
      Buffer *safe = allocate(from->elements);
      safe->pins = 1;
      buildCopy(b, from->ptr, safe->ptr, from->elements);
      saved.push_back({safe, to});
    }
    for (auto [value, to] : moves) {
      Buffer *from = bufferOf(value);
      if (!from || !llvm::is_contained(yields, from))
        write(value, to);
    }
    for (auto [safe, to] : saved) {
      buildCopy(b, safe->ptr, to->ptr, to->elements);
      safe->pins = 0;
    }
  }
  release(&block, std::numeric_limits<int64_t>::max());
  return success();
}

/// A product must know which tile it reads when the tile is packed.
static LogicalResult verifyCarried(Operation *op) {
  for (Type type : op->getResultTypes())
    if (isa<tile::SharedType, tile::PipeType, tile::GlobalType>(type))
      return op->emitOpError("gives ")
             << type << ", allowed on the host: fragments and scalars";
  return success();
}

LogicalResult TileLowering::lowerFor(scf::ForOp op) {
  if (failed(verifyCarried(op)))
    return failure();
  // A fragment is carried in one buffer: the initial value's own where nothing
  // reads that value again.
  SmallVector<Buffer *> carried;
  SmallVector<Value> initial;
  for (OpOperand &operand : op.getInitArgsMutable()) {
    if (!isFragment(operand.get())) {
      initial.push_back(scalars.lookup(operand.get()));
      carried.push_back(nullptr);
      continue;
    }
    Value base = root(operand.get());
    Buffer *buffer = bufferOf(base);
    if (!buffer || !diesBefore(base, position(op) + 1) ||
        llvm::is_contained(carried, buffer)) {
      buffer = allocate(elementsOf(base.getType(), b.lanes));
      write(base, buffer);
    } else {
      placed.erase(base);
    }
    buffer->owner = Value();
    ++buffer->pins;
    carried.push_back(buffer);
  }
  auto loop = scf::ForOp::create(b, scalars.lookup(op.getLowerBound()),
                                 scalars.lookup(op.getUpperBound()),
                                 scalars.lookup(op.getStep()), initial);
  auto bind = [&](ValueRange values, ValueRange newScalars) {
    auto next = newScalars.begin();
    for (auto [value, buffer] : llvm::zip(values, carried))
      if (buffer)
        give(buffer, value);
      else
        scalars.map(value, *next++);
  };
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scalars.map(op.getInductionVar(), loop.getInductionVar());
    bind(op.getRegionIterArgs(), loop.getRegionIterArgs());
    if (failed(lowerBlock(*op.getBody(), carried)))
      return failure();
    SmallVector<Value> yields;
    for (Value value : op.getBody()->getTerminator()->getOperands())
      if (!isFragment(value))
        yields.push_back(scalars.lookup(value));
    if (!yields.empty())
      scf::YieldOp::create(b, yields);
  }
  for (Buffer *buffer : carried)
    if (buffer)
      --buffer->pins;
  bind(op.getResults(), loop.getResults());
  return success();
}

LogicalResult TileLowering::lowerIf(scf::IfOp op) {
  if (failed(verifyCarried(op)))
    return failure();
  SmallVector<Buffer *> results;
  SmallVector<Type> types;
  for (Value value : op.getResults()) {
    if (!isFragment(value)) {
      types.push_back(heldType(value.getType()));
      results.push_back(nullptr);
      continue;
    }
    Buffer *buffer = allocate(elementsOf(value.getType(), b.lanes));
    ++buffer->pins;
    results.push_back(buffer);
  }
  bool otherwise = !op.getElseRegion().empty();
  auto choice = scf::IfOp::create(b, types, scalars.lookup(op.getCondition()),
                                  /*addThenBlock=*/true,
                                  /*addElseBlock=*/otherwise);
  auto branch = [&](Block &from, Block &to) -> LogicalResult {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&to);
    if (failed(lowerBlock(from, results)))
      return failure();
    SmallVector<Value> yields;
    for (Value value : from.getTerminator()->getOperands())
      if (!isFragment(value))
        yields.push_back(scalars.lookup(value));
    scf::YieldOp::create(b, yields);
    return success();
  };
  if (failed(branch(*op.thenBlock(), choice.getThenRegion().front())) ||
      (otherwise &&
       failed(branch(*op.elseBlock(), choice.getElseRegion().front()))))
    return failure();
  auto next = choice.getResults().begin();
  for (auto [value, buffer] : llvm::zip(op.getResults(), results))
    if (buffer) {
      --buffer->pins;
      give(buffer, value);
    } else {
      scalars.map(value, *next++);
    }
  return success();
}
