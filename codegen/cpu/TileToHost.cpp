// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile-to-host: each tile.kernel becomes
// `void NAME(const void *arguments, i32 x, i32 y, i32 z)`, which reads its
// arguments from one block of natural C layout (docs/manifest.md).
#include "codegen/Passes.h"
#include "codegen/cpu/LowerTile.h"

namespace attn_jit {
#define GEN_PASS_DEF_TILETOHOST
#include "codegen/Passes.h.inc"
} // namespace attn_jit

using namespace mlir;
using namespace attn_jit;
using namespace attn_jit::cpu;

TileLowering::TileLowering(tile::KernelOp kernel, int64_t lanes)
    : kernel(kernel), b(kernel.getLoc(), kernel.getContext(), lanes) {}

LogicalResult TileLowering::run() {
  if (kernel.getUnits() != 1)
    return kernel.emitOpError("has ")
           << kernel.getUnits() << " units; a host kernel is one unit";
  if (kernel.getCluster())
    return kernel.emitOpError("has a cluster of ")
           << kernel.getClusterSize()
           << " workgroups; those of a host kernel know nothing of each other";
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  Type word = b.getI32Type();
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), {ptr, word, word, word});
  b.setInsertionPoint(kernel);
  function = LLVM::LLVMFuncOp::create(b, kernel.getSymName(), type);
  // Fragments are hundreds of KiB of stack: each page is touched in order, so
  // that a small stack faults and does not corrupt.
  function.setPassthroughAttr(
      b.getArrayAttr({b.getStrArrayAttr({"probe-stack", "inline-asm"}),
                      b.getStringAttr("nounwind")}));
  Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  for (int dim = 0; dim < 3; ++dim)
    programIds[dim] = entry->getArgument(dim + 1);
  if (failed(lowerArguments(entry->getArgument(0))) ||
      failed(lowerBlock(kernel.getBody().front(), {})))
    return failure();
  LLVM::ReturnOp::create(b, ValueRange{});
  kernel.erase();
  return success();
}

LogicalResult TileLowering::lowerArguments(Value block) {
  int64_t offset = 0;
  auto next = [&](Type type, int64_t bytes) {
    offset = llvm::alignTo(offset, bytes);
    Value at = b.at(block, b.getI8Type(), b.i64(offset));
    offset += bytes;
    return b.load(at, type);
  };
  for (BlockArgument argument : kernel.getBody().getArguments()) {
    Type type = argument.getType();
    if (auto global = dyn_cast<tile::GlobalType>(type)) {
      if (global.getAccess() != tile::Access::Direct)
        return kernel.emitOpError("argument ")
               << argument.getArgNumber()
               << " is reached by a tensor map; a host has pointers";
      Global tensor;
      tensor.type = global;
      tensor.base = next(LLVM::LLVMPointerType::get(b.getContext()), 8);
      tensor.batch = next(b.getI64Type(), 8);
      tensor.head = next(b.getI64Type(), 8);
      tensor.row = next(b.getI64Type(), 8);
      globals[argument] = tensor;
      continue;
    }
    if (!type.isInteger(32) && !type.isInteger(64) && !type.isF32())
      return kernel.emitOpError("argument ")
             << argument.getArgNumber() << " is a " << type
             << "; allowed are tensors, i32, i64 and f32";
    scalars.map(argument, next(type, type.getIntOrFloatBitWidth() / 8));
  }
  return success();
}

Rows TileLowering::rowsOf(Value global, Value batch, Value head, Value row,
                          Value limit, int64_t rows) {
  const Global &tensor = globals.at(global);
  auto wide = [&](Value value) { return b.extended(scalars.lookup(value)); };
  Value first = wide(row);
  Value offset =
      b.add(b.mul(wide(batch), tensor.batch),
            b.add(b.mul(wide(head), tensor.head), b.mul(first, tensor.row)));
  Value left = b.sub(wide(limit), first);
  Value zero = b.i64(0);
  Value count = b.min(left, b.i64(rows));
  count = b.createOrFold<arith::MaxSIOp>(count, zero);
  Type element = tensor.type.getElementType();
  return {b.at(tensor.base, element, offset), tensor.row, count, element,
          tensor.type.getCols()};
}

namespace {
struct TileToHost : attn_jit::impl::TileToHostBase<TileToHost> {
  using TileToHostBase::TileToHostBase;
  void runOnOperation() override {
    if (vectorBits != 128 && vectorBits != 256 && vectorBits != 512) {
      getOperation().emitError("tile-to-host: vector-bits: ")
          << int64_t(vectorBits) << " given, allowed: 128, 256, 512";
      return signalPassFailure();
    }
    for (auto kernel :
         llvm::make_early_inc_range(getOperation().getOps<tile::KernelOp>()))
      if (failed(TileLowering(kernel, vectorBits / 32).run()))
        return signalPassFailure();
  }
};
} // namespace
