// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The checks, op by op: each asks for a capability or a number of the table.
#include "codegen/lower/Legality.h"
#include "codegen/lower/DirectTensor.h"
#include "codegen/lower/GpuTarget.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn_jit;

namespace {
class Legality {
public:
  explicit Legality(const TargetInfo &info) : info(info) {}

  LogicalResult check(tile::KernelOp kernel) {
    if (int64_t(kernel.getUnits()) > info.maxUnits)
      refuse(kernel) << kernel.getUnits() << " units, " << info.title()
                     << " holds " << info.maxUnits;
    // More are not on every chip of their kind (PTX ISA, "clusters").
    constexpr int64_t kMostOfCluster = 8;
    if (int64_t cluster = kernel.getClusterSize();
        cluster > 1 && !info.has(Capability::ClusterMulticast))
      refuse(kernel) << "cluster: " << cluster << " given, " << info.title()
                     << " has no clusters";
    else if (cluster > kMostOfCluster)
      refuse(kernel) << "cluster: " << cluster << " given, allowed on "
                     << info.title() << ": up to " << kMostOfCluster;
    if (!kernel->hasAttr(kSharedBytesAttr))
      refuse(kernel) << "shared memory has no places; run tile-assign-shared "
                        "first";
    for (BlockArgument argument : kernel.getArguments()) {
      auto global = dyn_cast<tile::GlobalType>(argument.getType());
      if (global && global.getAccess() == tile::Access::Bulk &&
          !info.has(Capability::BulkCopy))
        refuse(kernel) << "argument '"
                       << kernel.getArgName(argument.getArgNumber())
                       << "' is a tensor map; " << info.title()
                       << " has no copy engine: use direct access";
    }
    kernel.walk([&](Operation *op) { check(op); });
    return failure(refused);
  }

private:
  InFlightDiagnostic refuse(Operation *op) {
    refused = true;
    return op->emitOpError();
  }

  bool hasRoles() const {
    return info.has(Capability::RegisterBudgets) &&
           info.has(Capability::BulkCopy);
  }

  void check(Operation *op) {
    for (Type type : op->getResultTypes())
      checkType(op, type);
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](tile::SpecializeOp) {
          if (!hasRoles())
            refuse(op) << "roles need register budgets and a copy engine, "
                          "which "
                       << info.title() << " has not";
        })
        .Case([&](tile::MailCreateOp) {
          if (!hasRoles())
            refuse(op) << "is between roles, which " << info.title()
                       << " has not";
        })
        .Case([&](tile::DelayOp) {
          if (!info.has(Capability::TimedSleep))
            refuse(op) << "needs a timed sleep, which " << info.title()
                       << " has not";
        })
        .Case<tile::NamedBarrierSyncOp, tile::NamedBarrierArriveOp>(
            [&](auto barrier) { checkBarrier(barrier, barrier.getId()); })
        .Case([&](tile::CopyOp copy) { checkCopy(copy); })
        .Case([&](tile::WaitOp wait) {
          if (info.has(Capability::AsyncMatrixProduct) &&
              int64_t(wait.getInFlight()) > info.productsInFlight)
            refuse(op) << "in_flight: " << wait.getInFlight()
                       << " given, allowed on " << info.title() << ": 0 to "
                       << info.productsInFlight;
        })
        .Case([&](tile::MmaOp product) { checkProduct(product); });
  }

  void checkType(Operation *op, Type type) {
    if (auto pipe = dyn_cast<tile::PipeType>(type)) {
      if (pipe.getTransport() == tile::Transport::Bulk &&
          !info.has(Capability::BulkCopy))
        refuse(op) << "a bulk pipe needs a copy engine, which " << info.title()
                   << " has not: use a cooperative one";
      type = pipe.getSlot();
    }
    // A target pads plain rows against bank conflicts, or swizzles them.
    if (auto shared = dyn_cast<tile::SharedType>(type))
      if (shared.getSwizzle() && info.sharedRowPadding)
        refuse(op) << "swizzle " << shared.getSwizzle() << " given, allowed on "
                   << info.title() << ": 0";
    if (auto pending = dyn_cast<tile::PendingType>(type))
      type = pending.getFrag();
    if (auto frag = dyn_cast<tile::FragType>(type))
      checkFragment(op, frag);
  }

  void checkFragment(Operation *op, tile::FragType frag) {
    // Asynchronous products are of one height, and so are their fragments.
    bool oneHeight = info.has(Capability::AsyncMatrixProduct);
    if (frag.getRows() % info.unitRows == 0 &&
        (!oneHeight || frag.getRows() == info.unitRows) &&
        (!frag.isMatrix() || frag.getCols() % info.fragmentCols == 0))
      return;
    refuse(op) << frag << " given, allowed on " << info.title() << ": "
               << (oneHeight ? "" : "multiples of ") << info.unitRows
               << " rows, multiples of " << info.fragmentCols << " columns";
  }

  void checkBarrier(Operation *op, Value id) {
    APInt number;
    if (!info.has(Capability::NamedBarriers))
      refuse(op) << info.title() << " has no named barriers";
    else if (matchPattern(id, m_ConstantInt(&number)) &&
             (number.getSExtValue() < 1 ||
              number.getSExtValue() > info.namedBarriers))
      refuse(op) << "id: " << number.getSExtValue() << " given, allowed on "
                 << info.title() << ": 1 to " << info.namedBarriers;
  }

  void checkCopy(tile::CopyOp op) {
    tile::PipeType pipe = op.getPipe().getType();
    int64_t bytes = pipe.getSlot().getCols() *
                    pipe.getSlot().getElementType().getIntOrFloatBitWidth() / 8;
    if (pipe.getTransport() != tile::Transport::Cooperative)
      return;
    if (bytes % kPieceBytes)
      refuse(op) << "rows of " << bytes << " bytes given, allowed on "
                 << info.title() << ": multiples of " << kPieceBytes;
    // A copy through registers takes whole rows of the slot; one beside its
    // thread whole pieces of the tensor's.
    tile::GlobalType source = op.getSource().getType();
    int64_t cols = source.getCols();
    if (cols == pipe.getSlot().getCols())
      return;
    if (!info.has(Capability::ThreadCopy) || !copiesBesideThreads(op))
      refuse(op) << "fills " << cols << " of " << pipe.getSlot().getCols()
                 << " columns, allowed on " << info.title() << " at alignment "
                 << alignmentOf(op) << ": all";
    else if (cols * source.getElementType().getIntOrFloatBitWidth() / 8 %
             kPieceBytes)
      refuse(op) << "fills " << cols << " of " << pipe.getSlot().getCols()
                 << " columns, allowed on " << info.title() << ": multiples of "
                 << kPieceBytes << " bytes";
  }

  void checkProduct(tile::MmaOp op) {
    if (op.getWhen() && !info.has(Capability::AsyncMatrixProduct)) {
      refuse(op) << info.title() << " always adds the accumulator: no 'when'";
      return;
    }
    if (isa<tile::SharedType>(op.getLhs().getType()) &&
        !info.has(Capability::SharedLhs)) {
      refuse(op) << info.title() << " reads left operands from registers alone";
      return;
    }
    Type element = op.getRhs().getType().getElementType();
    Type sum = op.getType().getFrag().getElementType();
    bool single = info.has(Capability::Tf32Product);
    if (!(element.isF16() || element.isBF16() || (single && element.isF32())) ||
        !sum.isF32())
      refuse(op) << "products of " << element << " into " << sum
                 << " given, allowed on " << info.title() << ": "
                 << (single ? "f32, " : "") << "f16 or bf16 into f32";
    else if (element.isF32() && op.getTransposeRhs() &&
             isa<tile::FragType>(op.getLhs().getType()))
      refuse(op) << info.title()
                 << " multiplies a fragment of f32 with rows "
                    "along K alone: no 'transpose_rhs'";
  }

  const TargetInfo &info;
  bool refused = false;
};
} // namespace

LogicalResult attn_jit::verifyLegal(tile::KernelOp kernel,
                                    const TargetInfo &info) {
  return Legality(info).check(kernel);
}
