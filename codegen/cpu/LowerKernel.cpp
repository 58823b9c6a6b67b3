// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel around its fragments: control flow, pipes, products and scalars,
// in program order. One unit runs the kernel, so pipes and barriers need no
// code.
#include "codegen/cpu/LowerTile.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn_jit;
using namespace attn_jit::cpu;

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
          .Case([&](tile::CopyOp op) -> LogicalResult {
            tile::SharedType slot = op.getPipe().getType().getSlot();
            if (op.getSource().getType().getCols() != slot.getCols())
              return op.emitOpError("fills ")
                     << op.getSource().getType().getCols() << " of "
                     << slot.getCols() << " columns; host code copies whole "
                     << "rows";
            SharedTile to = stageOf(pipes.at(op.getPipe()), op.getUse());
            buildPack(b,
                      rowsOf(op.getSource(), op.getBatch(), op.getHead(),
                             op.getRow(), op.getLimit(), slot.getRows()),
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
          .Case([&](tile::StoreOp op) -> LogicalResult {
            int64_t cols = op.getTarget().getType().getCols();
            if (cols != op.getValue().getType().getCols())
              return op.emitOpError("writes ")
                     << cols << " of " << op.getValue().getType().getCols()
                     << " columns; host code writes whole rows";
            if (op.getRows())
              return op.emitOpError("sends each row to a place of its own; "
                                    "host code writes rows of one head");
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
  if (op.getType().getTransport() == tile::Transport::Bulk)
    return op.emitOpError("is bulk, allowed on the host: cooperative pipes");
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
  if (op.getWhen())
    return op.emitOpError("counts its accumulator when told; host code always "
                          "adds it");
  if (op.getTf32())
    return op.emitOpError("rounds its operands to TF32; host code multiplies "
                          "them as they are");
  Buffer *lhs = materialize(op.getLhs());
  int64_t rows = op.getType().getFrag().getRows();
  const SharedTile &rhs = tiles.at(op.getRhs());
  Product product{lhs->ptr, rows, rhs, {}, {}, liveRows(rows)};
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
