// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel of a forward: its arguments, its grid, and the key blocks that
// each query tile visits.
#include "codegen/schedule/ForwardBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace attn_jit;

ForwardBuilder::ForwardBuilder(OpBuilder &b, attn::ForwardOp forward,
                               const Schedule &schedule,
                               const TargetInfo &target)
    : b(b), loc(forward.getLoc()), forward(forward), schedule(schedule),
      target(target), problem(attn::getProblemShape(forward)),
      headCols(llvm::alignTo(problem.headDim, target.productDepth)),
      valueCols(llvm::alignTo(problem.valueDim, target.productDepth)),
      element(forward.getElementType()),
      computeElement(target.has(Capability::WideFragments)
                         ? Float32Type::get(b.getContext())
                         : element),
      mask(attn::analyzeMask(forward.getMask())) {}

//===-- small things ------------------------------------------------------===//

Value ForwardBuilder::i32(int64_t v) {
  return arith::ConstantIntOp::create(b, loc, v, 32);
}
Value ForwardBuilder::f32(double v) {
  return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(v));
}
Value ForwardBuilder::add(Value x, Value y) {
  return arith::AddIOp::create(b, loc, x, y);
}
Value ForwardBuilder::sub(Value x, Value y) {
  return arith::SubIOp::create(b, loc, x, y);
}
Value ForwardBuilder::mul(Value x, Value y) {
  return arith::MulIOp::create(b, loc, x, y);
}
Value ForwardBuilder::min(Value x, Value y) {
  return arith::MinSIOp::create(b, loc, x, y);
}
Value ForwardBuilder::max(Value x, Value y) {
  return arith::MaxSIOp::create(b, loc, x, y);
}

tile::FragType ForwardBuilder::acc(int64_t rows, int64_t cols) {
  return tile::FragType::get(b.getContext(), {rows, cols}, b.getF32Type(),
                             tile::FragLayout::Acc);
}

tile::FragType ForwardBuilder::rowType(int64_t rows, tile::FragLayout layout) {
  return tile::FragType::get(b.getContext(), {rows}, b.getF32Type(), layout);
}

tile::SharedType ForwardBuilder::sharedType(int64_t rows, int64_t cols) {
  int64_t rowBytes = cols * computeElement.getIntOrFloatBitWidth() / 8;
  return tile::SharedType::get(rows, cols, computeElement,
                               target.swizzleOf(rowBytes));
}

Value ForwardBuilder::map(
    ValueRange inputs, tile::FragType result,
    llvm::function_ref<Value(OpBuilder &, ValueRange)> body, bool noWrap) {
  auto op = tile::MapOp::create(b, loc, result, inputs, noWrap);
  SmallVector<Type> types;
  for (Value input : inputs)
    types.push_back(cast<tile::FragType>(input.getType()).getElementType());
  Block &block = op.getBody().emplaceBlock();
  block.addArguments(types, SmallVector<Location>(types.size(), loc));
  OpBuilder inner = OpBuilder::atBlockEnd(&block);
  Value yielded = body(inner, block.getArguments());
  tile::YieldOp::create(inner, loc, yielded);
  return op.getResult();
}

Value ForwardBuilder::broadcast(Value row, tile::FragType like) {
  auto from = cast<tile::FragType>(row.getType());
  return tile::BroadcastOp::create(
      b, loc, like.withElement(from.getElementType()), row);
}

Value ForwardBuilder::slice(Value tile, Value row, int64_t rows) {
  auto from = cast<tile::SharedType>(tile.getType());
  auto to = tile::SharedType::get(b.getContext(), rows, from.getCols(),
                                  from.getElementType(), from.getSwizzle(),
                                  from.getPanelRows());
  return tile::SliceOp::create(b, loc, to, tile, row);
}

PackedRows ForwardBuilder::packedRows(Value row, int64_t rows, Value head,
                                      Value first) {
  auto type = rowType(rows, tile::FragLayout::Row).withElement(b.getI32Type());
  Value number = tile::CoordOp::create(b, loc, type, row, 0);
  Value tileRows = i32(packing.heads * packing.rows);
  Value headRows = i32(packing.rows);
  auto headOf = [&](OpBuilder &at, ValueRange x) -> Value {
    Value inTile = arith::RemUIOp::create(at, loc, x[0], tileRows);
    Value which = arith::DivUIOp::create(at, loc, inTile, headRows);
    return arith::AddIOp::create(at, loc, which, head);
  };
  auto rowOf = [&](OpBuilder &at, ValueRange x) -> Value {
    Value before = arith::DivUIOp::create(at, loc, x[0], tileRows);
    Value inHead = arith::RemUIOp::create(at, loc, x[0], headRows);
    Value start = arith::MulIOp::create(at, loc, before, headRows);
    Value own = arith::AddIOp::create(at, loc, start, inHead);
    return arith::AddIOp::create(at, loc, own, first);
  };
  return {map(number, type, headOf), map(number, type, rowOf)};
}

//===-- the kernel --------------------------------------------------------===//

void ForwardBuilder::createKernel(int64_t units, tile::Access loads,
                                  const TileOrder &order) {
  MLIRContext *context = b.getContext();
  SmallVector<Type> types;
  SmallVector<std::string> names;
  auto argument = [&](Type type, std::string name) {
    types.push_back(type);
    names.push_back(std::move(name));
  };
  auto global = [&](int64_t cols, Type elementType, tile::Access access) {
    return tile::GlobalType::get(context, cols, elementType, access);
  };
  argument(global(problem.headDim, element, loads), "q");
  argument(global(problem.headDim, element, loads), "k");
  argument(global(problem.valueDim, element, loads), "v");
  argument(global(problem.valueDim, element, tile::Access::Direct), "o");
  if (forward.getLse())
    argument(global(1, b.getF32Type(), tile::Access::Direct), "lse");
  for (const char *name : {"q_len", "kv_len", "heads_per_kv"})
    argument(b.getI32Type(), name);
  for (StringRef name : order.scalars())
    argument(b.getI32Type(), name.str());
  argument(b.getF32Type(),
           forward.getScore().empty() ? "scale_log2e" : "scale");
  auto function = cast<func::FuncOp>(forward->getParentOp());
  SmallVector<BlockArgument> scalars;
  for (BlockArgument outer : function.getArguments()) {
    auto name = function.getArgAttrOfType<StringAttr>(outer.getArgNumber(),
                                                      attn::kArgName);
    if (isa<RankedTensorType>(outer.getType()) || outer == forward.getScale())
      continue;
    scalars.push_back(outer);
    argument(outer.getType(), name.str());
  }
  if (order.draws)
    argument(tile::CounterType::get(context), tile::kWorkspaceName.str());

  b.setInsertionPoint(function);
  SmallVector<Attribute> argAttrs;
  for (const std::string &name : names)
    argAttrs.push_back(b.getDictionaryAttr(
        b.getNamedAttr(tile::kArgName, b.getStringAttr(name))));
  SmallVector<std::string> rules = order.grid();
  SmallVector<StringRef> grid(rules.begin(), rules.end());
  kernel = tile::KernelOp::create(
      b, loc, "attn_fwd", b.getFunctionType(types, {}), units,
      b.getStrArrayAttr(grid),
      order.cluster > 1 ? b.getI64IntegerAttr(order.cluster) : IntegerAttr(),
      StringAttr(), b.getArrayAttr(argAttrs), ArrayAttr());
  Block &entry = kernel.getBody().emplaceBlock();
  entry.addArguments(types, SmallVector<Location>(types.size(), loc));
  b.setInsertionPointToStart(&entry);

  auto next = entry.args_begin();
  query = *next++, key = *next++, value = *next++, out = *next++;
  lse = forward.getLse() ? *next++ : Value();
  qLen = *next++, kvLen = *next++;
  next += 1 + order.scalars().size(); // heads_per_kv, and the order's own
  Value scaling = *next++;
  (forward.getScore().empty() ? scaleLog2e : scale) = scaling;
  for (BlockArgument outer : scalars)
    captured.map(outer, *next++);
  // Constants stand outside of the regions once canonical, and so may any
  // arithmetic on captured scalars.
  for (Operation &op : function.getBody().front().without_terminator())
    if (&op != forward)
      b.clone(op, captured);

  position = forward.getAlign() == attn::Align::BottomRight ? sub(kvLen, qLen)
                                                            : i32(0);
  for (const attn::KeyBound &bound : mask.bounds)
    offsets.push_back(offsetOf(bound));
}

Value ForwardBuilder::argument(StringRef name) {
  for (BlockArgument each : kernel.getArguments())
    if (kernel.getArgName(each.getArgNumber()) == name)
      return each;
  llvm_unreachable("a kernel without the argument");
}

void ForwardBuilder::finishKernel() {
  tile::ReturnOp::create(b, loc);
  forward->getParentOp()->erase();
}

//===-- key blocks --------------------------------------------------------===//

/// The part of a bound that no row changes, within kMaxOffset. Captured scalars
/// may be as large as "no limit", so they are summed in 64 bits.
Value ForwardBuilder::offsetOf(const attn::KeyBound &bound) {
  constexpr int64_t most = attn::kMaxOffset;
  if (bound.terms.empty())
    return i32(std::clamp(bound.constant, -most, most));
  auto i64 = [&](int64_t v) -> Value {
    return arith::ConstantIntOp::create(b, loc, v, 64);
  };
  Value sum = i64(bound.constant);
  for (auto [term, factor] : bound.terms) {
    Value wide =
        arith::ExtSIOp::create(b, loc, b.getI64Type(), captured.lookup(term));
    sum = add(sum, mul(wide, i64(factor)));
  }
  return arith::TruncIOp::create(b, loc, b.getI32Type(),
                                 min(max(sum, i64(-most)), i64(most)));
}

Value ForwardBuilder::boundAt(unsigned i, Value first, Value last,
                              bool largest) {
  int64_t slope = mask.bounds[i].slope;
  if (slope == 0)
    return offsets[i];
  Value at = add((slope > 0) == largest ? last : first, position);
  return add(slope == 1 ? at : mul(at, i32(slope)), offsets[i]);
}

Value ForwardBuilder::firstRow(Value row) {
  return packing ? arith::DivUIOp::create(b, loc, row, i32(packing.heads))
                       .getResult()
                 : row;
}

KeyBlocks ForwardBuilder::keyBlocks(Value row, int64_t bm, int64_t bn) {
  row = firstRow(row);
  bm /= packing.heads;
  Value zero = i32(0), one = i32(1);
  Value last = sub(min(add(row, i32(bm)), qLen), one);
  // Keys [lo, hi) are seen by some row, [loFull, hiFull) by all.
  Value lo = zero, hi = kvLen, loFull = zero, hiFull = kvLen;
  for (unsigned i = 0; i < mask.bounds.size(); ++i) {
    Value least = boundAt(i, row, last, /*largest=*/false);
    Value most = boundAt(i, row, last, /*largest=*/true);
    if (mask.bounds[i].upper) {
      hi = min(hi, add(most, one));
      hiFull = min(hiFull, add(least, one));
    } else {
      lo = max(lo, least);
      loFull = max(loFull, most);
    }
  }
  auto down = [&](Value x) -> Value {
    return arith::DivUIOp::create(b, loc, max(x, zero), i32(bn));
  };
  auto up = [&](Value x) -> Value { return down(add(x, i32(bn - 1))); };
  KeyBlocks blocks;
  blocks.first = mask.boundsBelow() ? min(down(lo), up(hi)) : zero;
  blocks.end = max(up(hi), blocks.first);
  // Without an exact analysis every block is masked.
  blocks.endFull = mask.exact ? max(down(hiFull), blocks.first) : blocks.first;
  if (mask.boundsAbove() || mask.boundsBelow())
    blocks.endFull = min(blocks.endFull, blocks.end);
  blocks.firstFull = mask.boundsBelow()
                         ? min(max(up(loFull), blocks.first), blocks.endFull)
                         : blocks.first;
  return blocks;
}
