// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which stack buffer a fragment lives in, and when it is free again. A value
// dies only in the block that defines it, so nothing that a loop's next trip
// reads is ever reused.
#include "codegen/cpu/LowerTile.h"

using namespace mlir;
using namespace attn_jit;
using namespace attn_jit::cpu;

Value TileLowering::root(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<tile::WaitOp, tile::CombineOp, tile::SpreadOp>(op)) {
      value = op->getOperand(0);
      continue;
    }
    auto cast = dyn_cast<tile::CastOp>(op);
    if (!cast)
      break;
    Type from = cast.getValue().getType().getElementType();
    Type to = cast.getType().getElementType();
    if (from != to && !(isa<FloatType>(from) && to.isF32()))
      break;
    value = cast.getValue();
  }
  return value;
}

bool TileLowering::isLazy(Value root) {
  Operation *op = root.getDefiningOp();
  return op && isa<tile::FillOp, tile::CoordOp, tile::BroadcastOp>(op);
}

static tile::FragType fragmentOf(Type type) {
  if (auto pending = dyn_cast<tile::PendingType>(type))
    return pending.getFrag();
  return cast<tile::FragType>(type);
}

/// Row fragments are padded, as rows are computed a vector at a time.
int64_t TileLowering::elementsOf(Type type, int64_t lanes) {
  tile::FragType frag = fragmentOf(type);
  return frag.isMatrix() ? frag.getRows() * frag.getCols()
                         : llvm::alignTo(frag.getRows(), lanes);
}

int64_t TileLowering::position(Operation *op) {
  auto [at, missing] = positions.try_emplace(op, 0);
  if (missing) {
    int64_t next = 0;
    for (Operation &other : *op->getBlock())
      positions[&other] = next++;
  }
  return positions[op];
}

int64_t TileLowering::lastUse(Value value) {
  if (auto known = lastUses.find(value); known != lastUses.end())
    return known->second;
  Block *block = value.getParentBlock();
  int64_t last = -1;
  SmallVector<Value> readers = {value};
  while (!readers.empty()) {
    for (OpOperand &use : readers.pop_back_val().getUses()) {
      Operation *user = use.getOwner();
      last = std::max(last, position(block->findAncestorOpInBlock(*user)));
      // What reads the value later through a result that is not stored.
      for (Value result : user->getResults())
        if (isa<tile::FragType, tile::PendingType>(result.getType()) &&
            !isa<tile::FillOp, scf::ForOp, scf::IfOp>(user) &&
            (root(result) != result || isLazy(result)))
          readers.push_back(result);
    }
  }
  return lastUses[value] = last;
}

bool TileLowering::diesBefore(Value root, int64_t position) {
  return root.getParentBlock() == currentBlock && lastUse(root) < position;
}

Buffer *TileLowering::allocate(int64_t elements) {
  for (Buffer &buffer : buffers)
    if (!buffer.owner && !buffer.pins && buffer.elements == elements)
      return &buffer;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&function.getBody().front());
  Value ptr =
      LLVM::AllocaOp::create(b, LLVM::LLVMPointerType::get(b.getContext()),
                             b.getF32Type(), b.i64(elements), /*alignment=*/64);
  buffers.push_back({ptr, elements, Value(), 0});
  return &buffers.back();
}

Buffer *TileLowering::bufferOf(Value root) { return placed.lookup(root); }

void TileLowering::give(Buffer *buffer, Value owner) {
  buffer->owner = owner;
  placed[owner] = buffer;
}

Buffer *TileLowering::wanted(Value value, ArrayRef<Buffer *> yields) {
  SmallVector<Value> names = {value};
  while (!names.empty()) {
    Value name = names.pop_back_val();
    for (OpOperand &use : name.getUses()) {
      Operation *user = use.getOwner();
      if (user->getBlock() != currentBlock)
        continue;
      if (user->hasTrait<OpTrait::IsTerminator>()) {
        if (use.getOperandNumber() < yields.size())
          if (Buffer *buffer = yields[use.getOperandNumber()])
            return buffer;
        continue;
      }
      auto mma = dyn_cast<tile::MmaOp>(user);
      bool accumulates = mma && mma.getAcc() == name;
      for (Value result : user->getResults())
        if (accumulates || (isa<tile::FragType>(result.getType()) &&
                            root(result) == root(name)))
          names.push_back(result);
    }
  }
  return nullptr;
}

Buffer *TileLowering::materialize(Value value) {
  Value base = root(value);
  if (Buffer *buffer = bufferOf(base))
    return buffer;
  Buffer *buffer = allocate(elementsOf(base.getType(), b.lanes));
  write(base, buffer);
  give(buffer, base);
  return buffer;
}

void TileLowering::write(Value value, Buffer *to) {
  Value base = root(value);
  if (Buffer *from = bufferOf(base)) {
    if (from != to)
      buildCopy(b, from->ptr, to->ptr, to->elements);
    return;
  }
  tile::FragType type = fragmentOf(base.getType());
  int64_t rows = type.getRows(), cols = type.getCols();
  Value live = type.isMatrix() ? liveRows(rows) : Value();
  if (!type.isMatrix())
    cols = to->elements, rows = 1;
  auto line = [&](Value row) {
    auto put = [&](Value col, int64_t width) {
      Site site{type.isMatrix() ? row : col, col, width};
      Value held = evaluate(base, site);
      Value index = b.add(b.mul(row, cols), col);
      if (held.getType() == widened(b.getI1Type(), width))
        b.storeHeld(held, b.at(to->ptr, b.getF32Type(), index), b.getI1Type());
      else
        b.store(held, b.at(to->ptr, b.getF32Type(), index));
    };
    int64_t full = cols / b.lanes * b.lanes;
    b.loop(full, b.lanes, [&](Value col) { put(col, b.lanes); });
    if (full < cols)
      put(b.i64(full), cols - full);
  };
  if (live)
    b.loop(b.i64(0), live, 1, line);
  else
    b.loop(rows, 1, line);
}

Value TileLowering::liveRows(int64_t rows) {
  tile::StoreOp known;
  bool same = true;
  kernel.walk([&](tile::StoreOp store) {
    same &= store.getValue().getType().getRows() == rows &&
            (!known || (store.getRow() == known.getRow() &&
                        store.getLimit() == known.getLimit()));
    known = store;
  });
  // Not yet computed where the fragments are, or not the same on every trip.
  if (!known || !same || !scalars.contains(known.getRow()) ||
      !scalars.contains(known.getLimit()) ||
      known.getRow().getParentRegion() != &kernel.getBody() ||
      known.getLimit().getParentRegion() != &kernel.getBody())
    return Value();
  Value left = b.sub(b.extended(scalars.lookup(known.getLimit())),
                     b.extended(scalars.lookup(known.getRow())));
  return b.min(left, b.i64(rows));
}

void TileLowering::release(Block *block, int64_t position) {
  for (Buffer &buffer : buffers)
    if (buffer.owner && buffer.owner.getParentBlock() == block &&
        lastUse(buffer.owner) <= position) {
      placed.erase(buffer.owner);
      buffer.owner = Value();
    }
}
