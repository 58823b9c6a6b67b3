// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The matrix product: one panel of the right operand at a time stays in the
// first cache while blocks of left rows pass over it, and a block's
// accumulators stay in registers over the whole depth.
#include "codegen/cpu/LowerTile.h"

using namespace mlir;
using namespace attn_jit::cpu;

/// Two vectors: enough products a loaded left element, and the accumulators of
/// kRows rows still leave registers for the operands.
int64_t attn_jit::cpu::panelWidth(const HostBuilder &b) { return 2 * b.lanes; }

/// Rows of a block: 16 vector registers hold 6 x 2 accumulators, 32 hold 14 x
/// 2, beside two right vectors and a left one.
static int64_t blockRows(const HostBuilder &b) {
  return b.lanes >= 16 ? 14 : 6;
}

namespace {
/// One panel of a product: what its blocks of rows have in common.
struct Panel {
  HostBuilder &b;
  const Product &product;
  Value ptr, col; ///< start of the panel; its first column
  int64_t width;

  SmallVector<int64_t> vectors() const {
    SmallVector<int64_t> widths(width / b.lanes, b.lanes);
    if (width % b.lanes)
      widths.push_back(width % b.lanes);
    return widths;
  }
  Value element(Value base, Value row, int64_t stride, Value col) const {
    return b.at(base, b.getF32Type(), b.add(b.mul(row, stride), col));
  }
  void block(Value row, int64_t rows) const;
};
} // namespace

/// Rows [row, row + rows) of the result, in this panel's columns.
void Panel::block(Value row, int64_t rows) const {
  Type f32 = b.getF32Type();
  SmallVector<int64_t> widths = vectors();
  auto outAddress = [&](Value base, int64_t r, int64_t v) {
    return element(base, b.add(row, r), product.rhs.cols,
                   b.add(col, v * b.lanes));
  };
  SmallVector<Value> sums;
  for (int64_t r = 0; r < rows; ++r)
    for (auto [v, w] : llvm::enumerate(widths))
      sums.push_back(
          product.acc ? b.load(outAddress(product.acc, r, v), widened(f32, w))
                      : b.floats(0, w));
  int64_t depth = product.rhs.depth;
  Value lhs = element(product.lhs, row, depth, b.i64(0));
  auto step = [&](Value k, SmallVector<Value> &sums) {
    SmallVector<Value> right;
    Value start = b.mul(k, width);
    for (auto [v, w] : llvm::enumerate(widths))
      right.push_back(
          b.load(b.at(ptr, f32, b.add(start, v * b.lanes)), widened(f32, w)));
    for (int64_t r = 0; r < rows; ++r) {
      Value left = b.load(b.at(lhs, f32, b.add(k, r * depth)), f32);
      for (auto [v, w] : llvm::enumerate(widths)) {
        Value &sum = sums[r * widths.size() + v];
        sum = b.fma(b.splat(left, w), right[v], sum);
      }
    }
  };
  // Unrolled by a divisor, so no depth is left over.
  int64_t unroll = depth % 4 == 0 ? 4 : depth % 2 == 0 ? 2 : 1;
  sums = b.loop(depth, unroll, sums, [&](Value k, ValueRange carried) {
    SmallVector<Value> next(carried);
    for (int64_t u = 0; u < unroll; ++u)
      step(b.add(k, u), next);
    return next;
  });
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t v = 0, e = widths.size(); v < e; ++v)
      b.store(sums[r * e + v], outAddress(product.out, r, v));
}

void attn_jit::cpu::buildProduct(HostBuilder &b, const Product &product) {
  const SharedTile &rhs = product.rhs;
  // Blocks as even as can be: 64 rows are 9 of 6 and 2 of 5, not 10 of 6 and
  // one of 4, which would not hide the latency of its multiply-adds.
  int64_t blocks = llvm::divideCeil(product.rows, blockRows(b));
  int64_t small = product.rows / blocks, large = product.rows % blocks;
  auto panel = [&](Value col, int64_t width) {
    Value start = b.mul(col, rhs.panelDepth);
    if (rhs.firstDepth)
      start = b.add(start, b.mul(rhs.firstDepth, width));
    Panel one{b, product, b.at(rhs.ptr, b.getF32Type(), start), col, width};
    int64_t split = large * (small + 1);
    auto blocksOf = [&](int64_t first, int64_t end, int64_t rows) {
      auto body = [&](Value row) { one.block(row, rows); };
      if (!product.liveRows)
        b.loop(end - first, rows, [&](Value row) { body(b.add(row, first)); });
      else if (first < end)
        b.loop(b.i64(first), b.min(b.i64(end), product.liveRows), rows, body);
    };
    blocksOf(0, split, small + 1);
    blocksOf(split, product.rows, small);
  };
  int64_t width = panelWidth(b), full = rhs.cols / width * width;
  b.loop(full, width, [&](Value col) { panel(col, width); });
  if (full < rhs.cols)
    panel(b.i64(full), rhs.cols - full);
}
