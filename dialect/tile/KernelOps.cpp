// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.kernel and tile.specialize: their text, and what must hold between the
// ops of one kernel so that its schedule can be run at all.
#include "dialect/Elementwise.h"
#include "dialect/tile/Tile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn_jit::tile;

StringRef KernelOp::getArgName(unsigned index) {
  auto name = getArgAttrOfType<StringAttr>(index, kArgName);
  return name ? name.getValue() : StringRef();
}

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildType =
      [](Builder &builder, ArrayRef<Type> args, ArrayRef<Type> results,
         function_interface_impl::VariadicFlag, std::string &) -> Type {
    return builder.getFunctionType(args, results);
  };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false,
      getFunctionTypeAttrName(result.name), buildType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void KernelOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(
      printer, *this, /*isVariadic=*/false, getFunctionTypeAttrName(),
      getArgAttrsAttrName(), getResAttrsAttrName());
}

LogicalResult KernelOp::verify() {
  if (!getResultTypes().empty())
    return emitOpError("returns nothing; results are stored");
  if (getUnitsAttr().getInt() < 1)
    return emitOpError("needs at least one unit");
  if (getGrid().empty() || getGrid().size() > 3)
    return emitOpError("grid has 1 to 3 rules, not ") << getGrid().size();
  if (getCluster() && getClusterSize() < 2)
    return emitOpError("cluster: ")
           << getClusterSize() << " given, allowed: at least 2 workgroups";
  if (getBody().empty())
    return emitOpError("needs a body");
  if (!llvm::hasSingleElement(getBody()))
    return emitOpError("body has ")
           << getBody().getBlocks().size()
           << " blocks, allowed: 1 (branches and loops are scf ops)";
  for (unsigned i = 0, e = getNumArguments(); i < e; ++i) {
    if (getArgName(i).empty())
      return emitOpError("argument ")
             << i << " has no '" << kArgName << "' name to bind it by";
    Type type = getArgumentTypes()[i];
    if (isa<CounterType>(type) && getArgName(i) != kWorkspaceName)
      return emitOpError("argument ")
             << i << " is a counter named '" << getArgName(i) << "', allowed: '"
             << kWorkspaceName << "'";
    if (isa<CounterType>(type) &&
        llvm::count_if(getArgumentTypes(),
                       [](Type each) { return isa<CounterType>(each); }) > 1)
      return emitOpError("has more than one counter, allowed: 1");
    if (!isa<GlobalType, CounterType>(type) && !type.isInteger(32) &&
        !type.isInteger(64) && !type.isF32())
      return emitOpError("argument ")
             << i << " is a " << type
             << "; allowed are tensors, a counter, i32, "
                "i64 and f32";
  }
  return success();
}

namespace {
/// Rules between the ops of one kernel, whose breach would hang it or make it
/// read what is not there.
class KernelRules {
public:
  explicit KernelRules(KernelOp kernel) : kernel(kernel) {}

  LogicalResult verify(Operation *op) {
    if (isa_and_present<arith::ArithDialect, math::MathDialect>(
            op->getDialect()))
      return isa<MapOp>(op->getParentOp()) ? success() : verifyScalar(op);
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case<NamedBarrierSyncOp, NamedBarrierArriveOp>([&](auto barrier) {
          return verifyMeeting(barrier, barrier.getUnits());
        })
        .Case([&](ClusterRankOp rank) { return verifyInCluster(rank); })
        .Case([&](PipeCreateOp pipe) {
          return failed(verifyCreate(pipe, isBulk(pipe.getResult())))
                     ? failure()
                     : verifyClusterWide(pipe);
        })
        .Case([&](MailCreateOp mail) { return verifyCreate(mail, true); })
        .Case([&](MailPostOp post) {
          return placeOf(post) == Place::Thread
                     ? success()
                     : post.emitOpError(
                           "tells numbers, allowed: in a single_thread role");
        })
        .Case([&](DrawOp draw) {
          return placeOf(draw) == Place::Thread
                     ? success()
                     : draw.emitOpError("draws a number for each thread, "
                                        "allowed: in a single_thread role");
        })
        .Case<MailTakeOp, MailReleaseOp>([&](auto take) {
          return placeOf(take) == Place::Units
                     ? success()
                     : take.emitOpError(
                           "is for whole units, allowed: in a role of these");
        })
        .Case([&](CopyOp copy) {
          return failure(failed(verifyFill(copy, copy.getPipe())) ||
                         failed(verifyLimit(copy)) ||
                         failed(verifyShare(copy)));
        })
        .Case<PipeAcquireOp, PipeCommitOp>(
            [&](auto fill) { return verifyFill(fill, fill.getPipe()); })
        .Case([&](PipeWaitOp wait) { return verifyWait(wait); })
        .Case([&](PipeReleaseOp release) { return verifyRelease(release); })
        .Default(success());
  }

private:
  /// The divisors of a launch that are at least 1 where a workgroup runs.
  static constexpr llvm::StringLiteral kCounts[] = {"q_heads", "heads_per_kv",
                                                    "workgroups"};

  /// One of those, or at least a constant above 0.
  static bool isCount(Value value) {
    if (auto most = value.getDefiningOp<arith::MaxSIOp>()) {
      APInt least;
      return llvm::any_of(most->getOperands(), [&](Value x) {
        return matchPattern(x, m_ConstantInt(&least)) &&
               least.isStrictlyPositive();
      });
    }
    auto argument = dyn_cast<BlockArgument>(value);
    auto owner = argument
                     ? dyn_cast<KernelOp>(argument.getOwner()->getParentOp())
                     : KernelOp();
    return owner && llvm::is_contained(
                        kCounts, owner.getArgName(argument.getArgNumber()));
  }

  static LogicalResult verifyScalar(Operation *op) {
    if (failed(attn_jit::verifyScalar(*op)))
      return failure();
    auto reason = attn_jit::whyNotDivided(*op);
    if (reason && !isCount(op->getOperand(1)))
      return op->emitOpError(*reason)
             << ", the argument q_heads, heads_per_kv or workgroups, or an "
                "arith.maxsi with a constant above 0";
    return success();
  }

  enum class Place { Kernel, Thread, Units };

  /// Outside of the roles, in one of a single thread, or in one of whole units.
  static Place placeOf(Operation *op) {
    for (Region *region = op->getParentRegion(); region;
         region = region->getParentRegion())
      if (auto roles = dyn_cast<SpecializeOp>(region->getParentOp()))
        return roles.getSingleThread()[region->getRegionNumber()]
                   ? Place::Thread
                   : Place::Units;
    return Place::Kernel;
  }

  static bool isBulk(TypedValue<PipeType> pipe) {
    return pipe.getType().getTransport() == Transport::Bulk;
  }

  LogicalResult verifyMeeting(Operation *op, int64_t units) {
    if (units > int64_t(kernel.getUnits()))
      return op->emitOpError("waits for ")
             << units << " units, the kernel has " << kernel.getUnits();
    return success();
  }

  LogicalResult verifyCreate(Operation *op, bool hasBarriers) {
    if (hasBarriers && placeOf(op) != Place::Kernel)
      return op->emitOpError("in a role, allowed: before the roles, which find "
                             "its barriers ready");
    return success();
  }

  LogicalResult verifyInCluster(Operation *op) {
    if (kernel.getCluster())
      return success();
    return op->emitOpError("asks for a cluster, allowed: in a kernel with one");
  }

  /// Each workgroup copies whole swizzle atoms.
  LogicalResult verifyClusterWide(PipeCreateOp op) {
    if (!op.getClusterWide())
      return success();
    if (failed(verifyInCluster(op)))
      return failure();
    if (!isBulk(op.getResult()))
      return op.emitOpError("is cluster_wide, allowed: bulk pipes");
    int64_t rows = op.getType().getSlot().getRows();
    int64_t atoms = 8 * kernel.getClusterSize();
    if (rows % atoms)
      return op.emitOpError("is cluster_wide and of ")
             << rows << " rows, allowed in a cluster of "
             << kernel.getClusterSize() << ": multiples of " << atoms;
    return success();
  }

  LogicalResult verifyShare(CopyOp op) {
    auto pipe = op.getPipe().getDefiningOp<PipeCreateOp>();
    if (pipe && pipe.getClusterWide() && op.getHeads() != 1)
      return op.emitOpError("heads: ") << op.getHeads()
                                       << " given, allowed into a "
                                          "cluster_wide pipe: 1";
    return success();
  }

  LogicalResult verifyFill(Operation *op, TypedValue<PipeType> pipe) {
    if (isBulk(pipe) && placeOf(op) != Place::Thread)
      return op->emitOpError("fills a bulk pipe, allowed: in a single_thread "
                             "role");
    return success();
  }

  LogicalResult verifyWait(PipeWaitOp op) {
    if (isBulk(op.getPipe()) && placeOf(op) == Place::Kernel)
      return op.emitOpError("reads a bulk pipe, allowed: in a role, which "
                            "finds its barriers ready");
    return success();
  }

  LogicalResult verifyRelease(PipeReleaseOp op) {
    if (isBulk(op.getPipe()) && placeOf(op) != Place::Units)
      return op.emitOpError("empties a bulk pipe, allowed: in a role of whole "
                            "units, each of which releases once");
    return success();
  }

  /// A copy engine knows no limit but the end of the tensor.
  LogicalResult verifyLimit(CopyOp op) {
    auto source = dyn_cast<BlockArgument>(op.getSource());
    if (!isBulk(op.getPipe()) || !source)
      return success();
    StringRef length =
        kernel.getArgName(source.getArgNumber()) == "q" ? "q_len" : "kv_len";
    auto limit = dyn_cast<BlockArgument>(op.getLimit());
    if (!limit || limit.getOwner() != source.getOwner() ||
        kernel.getArgName(limit.getArgNumber()) != length)
      return op.emitOpError("is bulk and ends where its tensor does, limit "
                            "allowed: the argument '")
             << length << "'";
    return success();
  }

  KernelOp kernel;
};
} // namespace

LogicalResult KernelOp::verifyRegions() {
  KernelRules rules(*this);
  auto result = getBody().walk([&](Operation *op) {
    return failed(rules.verify(op)) ? WalkResult::interrupt()
                                    : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

ParseResult SpecializeOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  SmallVector<Attribute> names;
  SmallVector<int64_t> counts, registers;
  SmallVector<bool> single;
  while (succeeded(parser.parseOptionalKeyword("role"))) {
    StringRef name;
    OpAsmParser::Argument unit;
    unit.type = builder.getI32Type();
    if (parser.parseKeyword(&name) || parser.parseLParen() ||
        parser.parseArgument(unit) || parser.parseRParen() ||
        parser.parseKeyword("units") ||
        parser.parseInteger(counts.emplace_back()))
      return failure();
    names.push_back(builder.getStringAttr(name));
    registers.push_back(0);
    if (succeeded(parser.parseOptionalKeyword("registers")) &&
        parser.parseInteger(registers.back()))
      return failure();
    single.push_back(succeeded(parser.parseOptionalKeyword("single_thread")));
    if (parser.parseRegion(*result.addRegion(), unit))
      return failure();
    ensureTerminator(*result.regions.back(), builder, result.location);
  }
  result.addAttribute(getNamesAttrName(result.name),
                      builder.getArrayAttr(names));
  result.addAttribute(getCountsAttrName(result.name),
                      builder.getDenseI64ArrayAttr(counts));
  result.addAttribute(getRegistersAttrName(result.name),
                      builder.getDenseI64ArrayAttr(registers));
  result.addAttribute(getSingleThreadAttrName(result.name),
                      builder.getDenseBoolArrayAttr(single));
  return parser.parseOptionalAttrDict(result.attributes);
}

void SpecializeOp::print(OpAsmPrinter &printer) {
  for (auto [i, region] : llvm::enumerate(getRoles())) {
    printer.printNewline();
    printer << "  role " << cast<StringAttr>(getNames()[i]).getValue() << '('
            << region.getArgument(0) << ") units " << getCounts()[i];
    if (getRegisters()[i])
      printer << " registers " << getRegisters()[i];
    if (getSingleThread()[i])
      printer << " single_thread";
    printer << ' ';
    printer.printRegion(region, /*printEntryBlockArgs=*/false,
                        /*printBlockTerminators=*/false);
  }
  printer.printOptionalAttrDict(
      (*this)->getAttrs(), {getNamesAttrName(), getCountsAttrName(),
                            getRegistersAttrName(), getSingleThreadAttrName()});
}

LogicalResult SpecializeOp::verify() {
  size_t n = getRoles().size();
  if (n == 0 || getNames().size() != n || getCounts().size() != n ||
      getRegisters().size() != n || getSingleThread().size() != n)
    return emitOpError("needs a name, a count and a budget for each role");
  for (Region &role : getRoles())
    if (role.getNumArguments() != 1 ||
        !role.getArgument(0).getType().isInteger(32))
      return emitOpError("a role has one argument, its unit's number in i32");
  int64_t units = 0;
  for (auto [count, regs] : llvm::zip(getCounts(), getRegisters())) {
    if (count < 1)
      return emitOpError("a role has at least one unit");
    // What setmaxnreg takes (PTX ISA); 0 leaves the kernel's own.
    if (regs && (regs % 8 || regs < 24 || regs > 256))
      return emitOpError(
                 "a register budget is a multiple of 8 from 24 to 256, not ")
             << regs;
    units += count;
  }
  int64_t have = cast<KernelOp>((*this)->getParentOp()).getUnits();
  if (units != have)
    return emitOpError("roles take ")
           << units << " units, the kernel has " << have;
  return success();
}
