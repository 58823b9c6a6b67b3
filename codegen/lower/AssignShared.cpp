// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Places shared tiles, pipes and their barriers, one after another.
#include "codegen/Passes.h"
#include "codegen/lower/GpuTarget.h"
#include "llvm/Support/MathExtras.h"

namespace attn_jit {
#define GEN_PASS_DEF_TILEASSIGNSHARED
#include "codegen/Passes.h.inc"
} // namespace attn_jit

using namespace mlir;
using namespace attn_jit;

namespace {
/// The period of the 128-byte swizzle: 8 rows (PTX ISA, "swizzling modes").
constexpr int64_t kTileAlignment = 1024;
/// An mbarrier object (PTX ISA, "mbarrier").
constexpr int64_t kBarrierBytes = 8;

struct AssignShared : attn_jit::impl::TileAssignSharedBase<AssignShared> {
  using TileAssignSharedBase::TileAssignSharedBase;

  void runOnOperation() override {
    KernelOp kernel = getOperation();
    const TargetInfo *info = lookupTarget(target);
    if (!info) {
      kernel.emitError() << "target '" << target << "' is not known";
      return signalPassFailure();
    }
    info = &unitsOf(kernel, *info);
    Builder builder(&getContext());
    int64_t used = 0;
    auto place = [&](int64_t bytes, int64_t alignment) {
      int64_t offset = llvm::alignTo(used, alignment);
      used = offset + bytes;
      return builder.getI64IntegerAttr(offset);
    };
    kernel.walk([&](tile::AllocOp op) {
      op.setOffsetAttr(
          place(sharedTileBytes(op.getType(), *info), kTileAlignment));
    });
    kernel.walk([&](tile::PipeCreateOp op) {
      tile::PipeType type = op.getType();
      int64_t bytes = sharedTileBytes(type.getSlot(), *info);
      op.setOffsetAttr(place(bytes * type.getStages(), kTileAlignment));
    });
    // A full and an empty barrier for each stage, after all tiles.
    kernel.walk([&](tile::PipeCreateOp op) {
      tile::PipeType type = op.getType();
      if (type.getTransport() == tile::Transport::Bulk ||
          info->has(Capability::ThreadCopy))
        op.setBarrierOffsetAttr(
            place(2 * type.getStages() * kBarrierBytes, kBarrierBytes));
    });
    kernel.walk([&](tile::MailCreateOp op) {
      op.setOffsetAttr(place(op.getType().getBytes(), 16));
    });
    if (used > info->sharedBytes) {
      kernel.emitError() << "shared memory: " << used << " bytes needed, "
                         << info->title() << " has " << info->sharedBytes;
      return signalPassFailure();
    }
    kernel->setAttr(kSharedBytesAttr, builder.getI64IntegerAttr(used));
  }
  using KernelOp = tile::KernelOp;
};
} // namespace
