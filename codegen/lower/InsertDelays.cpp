// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Delays that bring races to light, on the tile level, so that every schedule
// and every kernel written by hand can have them.
#include "codegen/Passes.h"
#include "dialect/tile/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn_jit {
#define GEN_PASS_DEF_TILEINSERTDELAYS
#include "codegen/Passes.h.inc"
} // namespace attn_jit

using namespace mlir;
using namespace attn_jit;

/// The use of a ring that `op` names, if it names one.
static Value useOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<tile::PipeAcquireOp, tile::PipeCommitOp, tile::PipeWaitOp,
            tile::PipeReleaseOp, tile::CopyOp, tile::MailPostOp,
            tile::MailTakeOp, tile::MailReleaseOp>(
          [](auto ring) { return ring.getUse(); })
      .Default(Value());
}

namespace {
struct InsertDelays : attn_jit::impl::TileInsertDelaysBase<InsertDelays> {
  using TileInsertDelaysBase::TileInsertDelaysBase;

  void runOnOperation() override {
    tile::KernelOp kernel = getOperation();
    OpBuilder b(&getContext());
    auto name = b.getNamedAttr(tile::kArgName, b.getStringAttr("delay_seed"));
    unsigned last = kernel.getNumArguments();
    if (failed(kernel.insertArgument(
            last, b.getI32Type(), b.getDictionaryAttr(name), kernel.getLoc())))
      return signalPassFailure();
    Value seed = kernel.getArgument(last);
    int64_t place = 0;
    kernel.walk([&](Operation *op) {
      // Rings and tiles are made before any role begins.
      if (!isa<tile::TileDialect>(op->getDialect()) || isPure(op) ||
          isa<tile::KernelOp, tile::SpecializeOp>(op) ||
          hasEffect<MemoryEffects::Allocate>(op))
        return;
      b.setInsertionPoint(op);
      tile::DelayOp::create(b, op->getLoc(), seed, place++, useOf(op));
    });
  }
};
} // namespace
