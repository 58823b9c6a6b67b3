// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text and verifiers of the tile ops: what cannot be a schedule is refused
// here, with the reason, so that leaf lowering meets only what it can lower.
#include "dialect/tile/Tile.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace attn_jit::tile;

//===-- kernel, specialize ------------------------------------------------===//

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
  if (getBody().empty())
    return emitOpError("needs a body");
  for (unsigned i = 0, e = getNumArguments(); i < e; ++i) {
    if (getArgName(i).empty())
      return emitOpError("argument ")
             << i << " has no '" << kArgName << "' name to bind it by";
    Type type = getArgumentTypes()[i];
    if (!isa<GlobalType>(type) && !type.isInteger(32) && !type.isInteger(64) &&
        !type.isF32())
      return emitOpError("argument ") << i << " is a " << type
                                      << "; allowed are tensors, i32, i64 and "
                                         "f32";
  }
  return success();
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
    if (regs % 8 || regs < 0 || regs > 256)
      return emitOpError("a register budget is a multiple of 8 up to 256, not ")
             << regs;
    units += count;
  }
  int64_t have = cast<KernelOp>((*this)->getParentOp()).getUnits();
  if (units != have)
    return emitOpError("roles take ")
           << units << " units, the kernel has " << have;
  return success();
}

//===-- shared memory and data movement -----------------------------------===//

LogicalResult SliceOp::verify() {
  SharedType from = getSource().getType(), to = getType();
  if (to.getElementType() != from.getElementType() ||
      to.getCols() != from.getCols() || to.getSwizzle() != from.getSwizzle() ||
      to.getPanelRows() != from.getPanelRows() ||
      to.getRows() > from.getRows() || to.getRows() % 8)
    return emitOpError("a slice takes rows, by eights, and keeps columns, "
                       "elements, swizzle and panel of ")
           << from;
  return success();
}

LogicalResult PipeWaitOp::verify() {
  if (getType() != getPipe().getType().getSlot())
    return emitOpError("gives the pipe's stage, ")
           << getPipe().getType().getSlot() << ", not " << getType();
  return success();
}

LogicalResult CopyOp::verify() {
  GlobalType from = getSource().getType();
  SharedType to = getPipe().getType().getSlot();
  if (from.getCols() != to.getCols())
    return emitOpError("copies rows of ")
           << from.getCols() << " columns into rows of " << to.getCols();
  bool bulkPipe = getPipe().getType().getTransport() == Transport::Bulk;
  if ((from.getAccess() == Access::Bulk) != bulkPipe)
    return emitOpError("a bulk pipe is filled from a bulk tensor, a "
                       "cooperative one from a direct tensor");
  if (from.getElementType() != to.getElementType() &&
      (bulkPipe || !to.getElementType().isF32()))
    return emitOpError("cannot convert ")
           << from.getElementType() << " to " << to.getElementType();
  return success();
}

/// A direct access whose columns fit the fragment.
static LogicalResult verifyDirect(Operation *op, GlobalType global,
                                  FragType frag) {
  if (global.getAccess() != Access::Direct)
    return op->emitOpError("reaches a tensor directly, not in bulk");
  if (global.getCols() != frag.getCols())
    return op->emitOpError("rows of ")
           << global.getCols() << " columns against a fragment of "
           << frag.getCols();
  bool widens = isa<LoadOp>(op) && frag.getElementType().isF32();
  if (global.getElementType() != frag.getElementType() && !widens)
    return op->emitOpError("elements of ")
           << global.getElementType() << " against a fragment of "
           << frag.getElementType();
  return success();
}

LogicalResult LoadOp::verify() {
  if (getType().getLayout() != FragLayout::Lhs)
    return emitOpError("loads a left operand; others come through a pipe");
  return verifyDirect(*this, getSource().getType(), getType());
}

LogicalResult StoreOp::verify() {
  FragLayout layout = getValue().getType().getLayout();
  if (layout != FragLayout::Acc && layout != FragLayout::Row)
    return emitOpError("stores an acc or row fragment, not ")
           << stringifyFragLayout(layout);
  return verifyDirect(*this, getTarget().getType(), getValue().getType());
}

LogicalResult PutOp::verify() {
  FragType from = getValue().getType();
  SharedType to = getTarget().getType();
  if (!from.isMatrix() || from.getRows() != to.getRows() ||
      from.getCols() != to.getCols() ||
      from.getElementType() != to.getElementType())
    return emitOpError("puts ")
           << from << " into a tile of another shape, " << to;
  return success();
}

//===-- matrix products ---------------------------------------------------===//

LogicalResult MmaOp::verify() {
  int64_t m, k;
  Type element;
  if (auto frag = dyn_cast<FragType>(getLhs().getType())) {
    if (frag.getLayout() != FragLayout::Lhs)
      return emitOpError("the left operand has layout lhs, not ")
             << stringifyFragLayout(frag.getLayout());
    m = frag.getRows(), k = frag.getCols(), element = frag.getElementType();
  } else {
    auto shared = cast<SharedType>(getLhs().getType());
    m = shared.getRows(), k = shared.getCols(),
    element = shared.getElementType();
  }
  SharedType rhs = getRhs().getType();
  int64_t rhsK = getTransposeRhs() ? rhs.getCols() : rhs.getRows();
  int64_t n = getTransposeRhs() ? rhs.getRows() : rhs.getCols();
  FragType result = getType().getFrag();
  if (k != rhsK)
    return emitOpError("contracts ") << k << " columns with " << rhsK;
  if (result.getLayout() != FragLayout::Acc || result.getRows() != m ||
      result.getCols() != n)
    return emitOpError("gives an acc fragment of ")
           << m << "x" << n << ", not " << result;
  if (element != rhs.getElementType())
    return emitOpError("multiplies ")
           << element << " by " << rhs.getElementType();
  if (getAcc() && getAcc().getType() != result)
    return emitOpError("accumulates ")
           << getAcc().getType() << " into " << result;
  return success();
}

LogicalResult WaitOp::verify() {
  if (getPending().getType().getFrag() != getType())
    return emitOpError("gives the awaited fragment, ")
           << getPending().getType().getFrag();
  // The accessor is unsigned.
  int64_t inFlight = getInFlightAttr().getInt();
  if (inFlight < 0)
    return emitOpError("in_flight is at least 0, not ") << inFlight;
  return success();
}

//===-- fragments ---------------------------------------------------------===//

LogicalResult FillOp::verify() {
  if (getValue().getType() != getType().getElementType())
    return emitOpError("fills ")
           << getType() << " with a " << getValue().getType();
  return success();
}

LogicalResult CoordOp::verify() {
  if (!getType().getElementType().isInteger(32) || !getType().isMatrix())
    return emitOpError("coordinates are an i32 matrix, not ") << getType();
  return success();
}

LogicalResult BroadcastOp::verify() {
  FragType from = getValue().getType(), to = getType();
  if (from.getLayout() != FragLayout::Row || !to.isMatrix() ||
      from.getRows() != to.getRows() ||
      from.getElementType() != to.getElementType())
    return emitOpError("spreads a row fragment over its columns; ")
           << from << " does not fit " << to;
  return success();
}

LogicalResult SpreadOp::verify() {
  FragType from = getValue().getType();
  if (from.getLayout() != FragLayout::Row ||
      getType() != from.rowsOf(FragLayout::Partial))
    return emitOpError("spreads a row fragment over its lanes, not ")
           << from << " to " << getType();
  return success();
}

LogicalResult MapOp::verify() {
  Block &body = getBody().front();
  if (body.getNumArguments() != getInputs().size())
    return emitOpError("has ") << getInputs().size() << " inputs and a body of "
                               << body.getNumArguments() << " arguments";
  for (auto [input, arg] : llvm::zip(getInputs(), body.getArguments())) {
    auto type = cast<FragType>(input.getType());
    if (type.withElement(getType().getElementType()) != getType())
      return emitOpError("input ")
             << type << " has not the shape and layout of " << getType();
    if (arg.getType() != type.getElementType())
      return emitOpError("body takes ")
             << arg.getType() << " for elements of " << type;
  }
  for (Operation &op : body.without_terminator())
    if (!OpTrait::hasElementwiseMappableTraits(&op) &&
        !op.hasTrait<OpTrait::ConstantLike>())
      return op.emitOpError("is not elementwise, so it cannot stand in "
                            "tile.map");
  auto yield = cast<YieldOp>(body.getTerminator());
  if (!yield.getValue() ||
      yield.getValue().getType() != getType().getElementType())
    return emitOpError("body must yield a ") << getType().getElementType();
  return success();
}

namespace {
/// An input whose elements the body does not read is not an input.
struct DropUnusedMapInput : OpRewritePattern<MapOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MapOp op,
                                PatternRewriter &rewriter) const override {
    Block &body = op.getBody().front();
    for (BlockArgument arg : body.getArguments()) {
      if (!arg.use_empty())
        continue;
      unsigned index = arg.getArgNumber();
      rewriter.modifyOpInPlace(op, [&] {
        body.eraseArgument(index);
        op.getInputsMutable().erase(index);
      });
      return success();
    }
    return failure();
  }
};
} // namespace

void MapOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                        MLIRContext *context) {
  patterns.add<DropUnusedMapInput>(context);
}

LogicalResult ReduceOp::verify() {
  FragType from = getValue().getType();
  if (from.getLayout() != FragLayout::Acc ||
      getType() != from.rowsOf(FragLayout::Partial))
    return emitOpError("reduces an acc fragment to a partial of its rows, not ")
           << from << " to " << getType();
  return success();
}

LogicalResult CombineOp::verify() {
  FragType from = getValue().getType();
  if (from.getLayout() != FragLayout::Partial ||
      getType() != from.rowsOf(FragLayout::Row))
    return emitOpError("combines a partial to a row, not ")
           << from << " to " << getType();
  return success();
}

LogicalResult CastOp::verify() {
  FragType from = getValue().getType(), to = getType();
  if (from.getShape() != to.getShape())
    return emitOpError("keeps the shape of ") << from;
  if (from.getLayout() != to.getLayout() &&
      !(from.getLayout() == FragLayout::Acc &&
        to.getLayout() == FragLayout::Lhs))
    return emitOpError("the only change of layout is acc to lhs, not ")
           << stringifyFragLayout(from.getLayout()) << " to "
           << stringifyFragLayout(to.getLayout());
  return success();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  return getValue().getType() == getType() ? getValue() : OpFoldResult();
}

void YieldOp::build(OpBuilder &, OperationState &) {}

#define GET_OP_CLASSES
#include "dialect/tile/TileOps.cpp.inc"
