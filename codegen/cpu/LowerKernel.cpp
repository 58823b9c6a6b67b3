// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel around its fragments: control flow, pipes, products and scalars,
// in program order. One unit runs the kernel, so pipes and barriers need no
// code.
#include "codegen/cpu/LowerTile.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace attn_jit;
using namespace attn_jit::cpu;

static bool isFragment(Value value) {
  return isa<tile::FragType, tile::PendingType>(value.getType());
}

//===-- Blocks ------------------------------------------------------------===//

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

LogicalResult TileLowering::lowerOp(Operation &op) {
  b.setLoc(op.getLoc());
  if (joinsGroup(op)) {
    pending.push_back(&op);
    return success();
  }
  bool reads = llvm::any_of(op.getOperands(), isFragment) ||
               op.getNumRegions() != 0 || isa<tile::MmaOp, tile::LoadOp>(op);
  bool free =
      isa<tile::WaitOp, tile::CombineOp, tile::SpreadOp, tile::CastOp,
          tile::FillOp, tile::CoordOp, tile::BroadcastOp, tile::AnchorOp>(op);
  if (reads && !free && failed(flush()))
    return failure();
  LogicalResult result =
      llvm::TypeSwitch<Operation *, LogicalResult>(&op)
          .Case([&](scf::ForOp op) { return lowerFor(op); })
          .Case([&](scf::IfOp op) { return lowerIf(op); })
          .Case([&](tile::PipeCreateOp op) { return lowerPipe(op); })
          .Case([&](tile::SliceOp op) { return lowerSlice(op); })
          .Case([&](tile::MmaOp op) { return lowerMma(op); })
          .Case<tile::WaitOp, tile::CombineOp, tile::SpreadOp, tile::CastOp,
                tile::FillOp, tile::CoordOp, tile::BroadcastOp>(
              [](Operation *) { return success(); })
          .Case<tile::PipeAcquireOp, tile::PipeCommitOp, tile::PipeReleaseOp,
                tile::PublishOp, tile::BarrierOp, tile::NamedBarrierSyncOp,
                tile::NamedBarrierArriveOp>(
              [](Operation *) { return success(); })
          .Case([&](tile::AnchorOp op) {
            scalars.map(op.getResult(),
                        arith::ConstantIntOp::create(b, 1, 1).getResult());
            return success();
          })
          .Case([&](tile::ProgramIdOp op) {
            scalars.map(op.getResult(), programIds[op.getDim()]);
            return success();
          })
          .Case([&](tile::UnitIdOp op) {
            scalars.map(op.getResult(), b.i32(0));
            return success();
          })
          .Case([&](tile::PipeWaitOp op) {
            const Pipe &pipe = pipes.at(op.getPipe());
            tiles[op.getResult()] = stageOf(pipe, op.getUse());
            return success();
          })
          .Case([&](tile::CopyOp op) {
            SharedTile to = stageOf(pipes.at(op.getPipe()), op.getUse());
            buildPack(b,
                      rowsOf(op.getSource(), op.getBatch(), op.getHead(),
                             op.getRow(), op.getLimit(),
                             op.getPipe().getType().getSlot().getRows()),
                      to);
            return success();
          })
          .Case([&](tile::LoadOp op) {
            int64_t rows = op.getType().getRows();
            Buffer *buffer = allocate(elementsOf(op.getType(), b.lanes));
            buildLoad(b,
                      rowsOf(op.getSource(), op.getBatch(), op.getHead(),
                             op.getRow(), op.getLimit(), rows),
                      buffer->ptr, rows);
            give(buffer, op.getResult());
            return success();
          })
          .Case([&](tile::StoreOp op) {
            Buffer *buffer = materialize(op.getValue());
            Rows to =
                rowsOf(op.getTarget(), op.getBatch(), op.getHead(), op.getRow(),
                       op.getLimit(), op.getValue().getType().getRows());
            // A null tensor is one that the caller does not want.
            Value null = LLVM::ZeroOp::create(b, to.base.getType());
            Value given =
                LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne,
                                     globals.at(op.getTarget()).base, null);
            b.when(given, [&] {
              buildStore(b, buffer->ptr,
                         op.getValue().getType().getElementType(), to);
            });
            return success();
          })
          .Default([&](Operation *op) { return lowerScalar(*op); });
  if (succeeded(result) && reads && !free)
    release(op.getBlock(), position(&op));
  return result;
}

LogicalResult TileLowering::lowerScalar(Operation &op) {
  if (!isa<arith::ArithDialect, math::MathDialect>(op.getDialect()))
    return op.emitOpError("has no host form");
  SmallVector<Value> operands;
  for (Value operand : op.getOperands())
    operands.push_back(scalars.lookup(operand));
  FailureOr<Value> value = buildElementwise(b, op, operands, 1);
  if (failed(value))
    return failure();
  scalars.map(op.getResult(0), *value);
  return success();
}

//===-- Control flow ------------------------------------------------------===//

LogicalResult TileLowering::lowerFor(scf::ForOp op) {
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

//===-- Shared tiles and products -----------------------------------------===//

/// Adds to `products` each product that reads a tile of the pipe, also by
/// slices.
static void collectProducts(Value tile, SmallVectorImpl<OpOperand *> &uses) {
  for (OpOperand &use : tile.getUses()) {
    if (auto slice = dyn_cast<tile::SliceOp>(use.getOwner()))
      collectProducts(slice.getResult(), uses);
    else
      uses.push_back(&use);
  }
}

LogicalResult TileLowering::lowerPipe(tile::PipeCreateOp op) {
  SmallVector<OpOperand *> uses;
  for (Operation *user : op.getResult().getUsers())
    if (auto wait = dyn_cast<tile::PipeWaitOp>(user))
      collectProducts(wait.getResult(), uses);
  Pipe pipe;
  bool first = true;
  for (OpOperand *use : uses) {
    auto mma = dyn_cast<tile::MmaOp>(use->getOwner());
    if (!mma || use->get() != mma.getRhs() || use->get() == mma.getLhs())
      return use->getOwner()->emitOpError(
          "reads a shared tile; host code has them as right operands alone");
    if (!first && pipe.slot.transposed != mma.getTransposeRhs())
      return op.emitOpError("is read transposed by one product and as it is by "
                            "another; host code packs a tile one way");
    pipe.slot.transposed = mma.getTransposeRhs();
    first = false;
  }
  tile::PipeType type = op.getType();
  tile::SharedType slot = type.getSlot();
  if (type.getTransport() == tile::Transport::Bulk)
    return op.emitOpError("is bulk; a host has no copy engine");
  pipe.stages = type.getStages();
  pipe.slot.cols = slot.getCols();
  pipe.slot.depth = slot.getRows();
  if (pipe.slot.transposed)
    std::swap(pipe.slot.cols, pipe.slot.depth);
  pipe.slot.panelDepth = pipe.slot.depth;
  Buffer *buffer = allocate(pipe.stages * pipe.slot.depth * pipe.slot.cols);
  buffer->pins = 1; // for the whole kernel
  pipe.slot.ptr = buffer->ptr;
  pipes[op.getResult()] = pipe;
  return success();
}

SharedTile TileLowering::stageOf(const Pipe &pipe, Value use) {
  SharedTile tile = pipe.slot;
  if (pipe.stages == 1)
    return tile;
  Value stage =
      arith::RemUIOp::create(b, scalars.lookup(use), b.i32(pipe.stages));
  tile.ptr = b.at(tile.ptr, b.getF32Type(),
                  b.mul(b.extended(stage), tile.depth * tile.cols));
  return tile;
}

LogicalResult TileLowering::lowerSlice(tile::SliceOp op) {
  SharedTile tile = tiles.at(op.getSource());
  if (tile.transposed)
    return op.emitOpError("slices the columns of a right operand, which host "
                          "code packs in panels");
  Value row = b.extended(scalars.lookup(op.getRow()));
  tile.firstDepth = tile.firstDepth ? b.add(tile.firstDepth, row) : row;
  tile.depth = op.getType().getRows();
  tiles[op.getResult()] = tile;
  return success();
}

LogicalResult TileLowering::lowerMma(tile::MmaOp op) {
  auto rhs = tiles.find(op.getRhs());
  if (!isFragment(op.getLhs()) || rhs == tiles.end())
    return op.emitOpError("needs a fragment and a pipe's tile on the host");
  Buffer *lhs = materialize(op.getLhs());
  int64_t rows = op.getType().getFrag().getRows();
  Product product{lhs->ptr, rows, rhs->second, {}, {}, liveRows(rows)};
  Buffer *out = nullptr;
  if (op.getAcc()) {
    Value acc = root(op.getAcc());
    auto fill = acc.getDefiningOp<tile::FillOp>();
    if (!fill || bufferOf(acc) ||
        !matchPattern(fill.getValue(), m_AnyZeroFloat())) {
      Buffer *from = materialize(acc);
      product.acc = from->ptr;
      if (diesBefore(acc, position(op) + 1)) {
        placed.erase(acc);
        from->owner = Value();
        out = from;
      }
    }
  }
  if (!out) {
    Buffer *best = wanted(op.getResult(), blockYields);
    out = best && !best->owner ? best
                               : allocate(elementsOf(op.getType(), b.lanes));
  }
  product.out = out->ptr;
  give(out, op.getResult());
  buildProduct(b, product);
  return success();
}
