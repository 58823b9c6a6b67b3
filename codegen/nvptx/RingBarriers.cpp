// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/nvptx/RingBarriers.h"
#include "codegen/lower/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn_jit;

RingBarriers::RingBarriers(const GpuTarget &target, OpBuilder &b, Operation *op,
                           int64_t stages, int64_t offset, Value use,
                           int64_t cluster)
    : cluster(cluster), b(b), loc(op->getLoc()), use(use), stages(stages),
      suspends(target.info.has(Capability::SuspendedWait)) {
  Value base = sharedAt(target, b, loc, op, offset);
  Value address = LLVM::PtrToIntOp::create(b, loc, b.getI32Type(), base);
  Value stage = pipeStage(b, loc, use, stages);
  Value within = arith::ShLIOp::create(b, loc, stage, i32Constant(b, loc, 3));
  full = arith::AddIOp::create(b, loc, address, within);
  empty = arith::AddIOp::create(b, loc, full, i32Constant(b, loc, 8 * stages));
}

RingBarriers RingBarriers::of(const GpuTarget &target, OpBuilder &b,
                              Operation *op, Value pipe, Value use) {
  auto create = pipe.getDefiningOp<tile::PipeCreateOp>();
  return RingBarriers(target, b, op, create.getType().getStages(),
                      *create.getBarrierOffset(), use,
                      create.getClusterWide() ? clusterOf(op) : 1);
}

void RingBarriers::create(const GpuTarget &target, OpBuilder &b, Operation *op,
                          int64_t stages, int64_t offset, int64_t arrivals,
                          int64_t releases) {
  Location loc = op->getLoc();
  Value first =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                            target.threadId(b, loc), i32Constant(b, loc, 0));
  auto guarded = scf::IfOp::create(b, loc, first);
  OpBuilder inner = guarded.getThenBodyBuilder(b.getListener());
  for (int64_t i = 0; i < 2 * stages; ++i) {
    Value barrier = sharedAt(target, inner, loc, op, offset + 8 * i);
    Value expected = i32Constant(inner, loc, i < stages ? arrivals : releases);
    intrinsic(inner, loc, {}, "llvm.nvvm.mbarrier.init.shared",
              {barrier, expected});
  }
}

/// Of the phase that completes when the use is full.
Value RingBarriers::parity() const {
  Value round = use;
  if (llvm::isPowerOf2_64(stages))
    round = arith::ShRUIOp::create(b, loc, use,
                                   i32Constant(b, loc, llvm::Log2_64(stages)));
  else
    round = arith::DivUIOp::create(b, loc, use, i32Constant(b, loc, stages));
  return arith::AndIOp::create(b, loc, round, i32Constant(b, loc, 1));
}

void RingBarriers::wait(Value barrier, Value phase) const {
  std::string text =
      llvm::formatv("{{ .reg .pred done; again_${{:uid}: "
                    "mbarrier.{0}_wait.parity.shared::cta.b64 done, [$0], $1; "
                    "@done bra over_${{:uid}; bra again_${{:uid}; "
                    "over_${{:uid}: }",
                    suspends ? "try" : "test")
          .str();
  ptx(b, loc, {}, text, "r,r", {barrier, phase}, /*memory=*/true);
}

void RingBarriers::release(Value arrives, bool afterWave) const {
  std::string text = "@$1 mbarrier.arrive.shared::cta.b64 _, [$0];";
  ptx(b, loc, {}, afterWave ? "bar.warp.sync -1; " + text : text, "r,b",
      {empty, arrives}, /*memory=*/true);
}

void RingBarriers::releaseInCluster(const GpuTarget &target, Value when) const {
  Value rank =
      arith::AndIOp::create(b, loc, target.threadId(b, loc),
                            i32Constant(b, loc, target.info.unitThreads - 1));
  Value arrives = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, rank,
                                        i32Constant(b, loc, cluster));
  if (when)
    arrives = arith::AndIOp::create(b, loc, when, arrives);
  // Without a scope of the cluster: what is handed over was read by products
  // that have ended, and is written by copies, whose bytes the barriers count.
  // For other memory ptxas would add a fence of the whole chip's to each
  // arrival, and empty the L1 after each wait.
  ptx(b, loc, {},
      "{ .reg .b32 there; @$1 mapa.shared::cluster.u32 there, $0, $2; @$1 "
      "mbarrier.arrive.shared::cluster.b64 _, [there]; }",
      "r,b,r", {empty, arrives, rank}, /*memory=*/true);
}

LogicalResult RingBarriers::check(Operation *op, Value pipe) {
  if (pipe.getDefiningOp<tile::PipeCreateOp>())
    return success();
  return op->emitOpError(
      "names a pipe that is not the result of a tile.pipe.create");
}

Value RingBarriers::whenLeader(const GpuTarget &target, OpBuilder &b,
                               Location loc, Value when) {
  Value leads = isUnitLeader(target, b, loc);
  return when ? arith::AndIOp::create(b, loc, when, leads) : leads;
}

void RingBarriers::waitFull() const { wait(full, parity()); }

void RingBarriers::waitEmpty() const {
  // A fresh barrier is in phase 0: waiting for the phase before it passes.
  wait(empty, arith::XOrIOp::create(b, loc, parity(), i32Constant(b, loc, 1)));
}
