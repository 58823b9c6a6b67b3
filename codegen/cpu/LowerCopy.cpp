// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows of tensors into panels and fragments, and fragments into rows. Nothing
// past the last valid row is read or written; what a tile lacks arrives as
// zeros.
#include "codegen/cpu/LowerTile.h"

using namespace mlir;
using namespace attn_jit::cpu;

static constexpr int64_t kBlock =
    8; ///< side of a block that is transposed at once

static Value rowAddress(HostBuilder &b, const Rows &rows, Value row,
                        Value col) {
  return b.at(rows.base, rows.element, b.add(b.mul(row, rows.stride), col));
}

/// `body(col, width)` over columns [0, cols), a vector at a time.
static void forColumns(HostBuilder &b, int64_t cols,
                       llvm::function_ref<void(Value, int64_t)> body) {
  int64_t full = cols / b.lanes * b.lanes;
  b.loop(full, b.lanes, [&](Value col) { body(col, b.lanes); });
  if (full < cols)
    body(b.i64(full), cols - full);
}

//===-- Panels ------------------------------------------------------------===//

/// Rows of the tensor are rows of the panels.
static void packRows(HostBuilder &b, const Rows &from, const SharedTile &to) {
  Type f32 = b.getF32Type();
  auto panel = [&](Value col, int64_t width) {
    Value start = b.at(to.ptr, f32, b.mul(col, to.panelDepth));
    auto rows = [&](Value first, Value end, bool zero) {
      b.loop(first, end, 1, [&](Value row) {
        for (int64_t c = 0; c < width; c += b.lanes) {
          int64_t w = std::min(b.lanes, width - c);
          Value value =
              zero ? b.floats(0, w)
                   : b.loadHeld(rowAddress(b, from, row, b.add(col, c)),
                                from.element, w);
          b.store(value, b.at(start, f32, b.add(b.mul(row, width), c)));
        }
      });
    };
    rows(b.i64(0), from.count, false);
    rows(from.count, b.i64(to.depth), true);
  };
  int64_t width = panelWidth(b), full = to.cols / width * width;
  b.loop(full, width, [&](Value col) { panel(col, width); });
  if (full < to.cols)
    panel(b.i64(full), to.cols - full);
}

/// Rows of a square become its columns: three rounds of exchanging halves.
static void transpose(HostBuilder &b, MutableArrayRef<Value> rows) {
  static constexpr int32_t kLow4[] = {0, 8, 1, 9, 4, 12, 5, 13};
  static constexpr int32_t kHigh4[] = {2, 10, 3, 11, 6, 14, 7, 15};
  static constexpr int32_t kLow8[] = {0, 1, 8, 9, 4, 5, 12, 13};
  static constexpr int32_t kHigh8[] = {2, 3, 10, 11, 6, 7, 14, 15};
  static constexpr int32_t kLow[] = {0, 1, 2, 3, 8, 9, 10, 11};
  static constexpr int32_t kHigh[] = {4, 5, 6, 7, 12, 13, 14, 15};
  Value pairs[8], quads[8];
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = b.shuffle(rows[i], rows[i + 1], kLow4);
    pairs[i + 1] = b.shuffle(rows[i], rows[i + 1], kHigh4);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; ++j) {
      quads[i + 2 * j] = b.shuffle(pairs[i + j], pairs[i + 2 + j], kLow8);
      quads[i + 2 * j + 1] = b.shuffle(pairs[i + j], pairs[i + 2 + j], kHigh8);
    }
  for (int i = 0; i < 4; ++i) {
    rows[i] = b.shuffle(quads[i], quads[i + 4], kLow);
    rows[i + 4] = b.shuffle(quads[i], quads[i + 4], kHigh);
  }
}

namespace {
/// A tile whose rows become columns of the panels.
struct TransposedPack {
  HostBuilder &b;
  const Rows &from;
  const SharedTile &to;
  int64_t width = panelWidth(b), full = to.cols / width * width;

  /// Columns of the panel that column `col` is in.
  Value widthAt(Value col) const {
    if (full == to.cols)
      return b.i64(width);
    if (full == 0)
      return b.i64(to.cols);
    return arith::SelectOp::create(b, b.less(col, b.i64(full)), b.i64(width),
                                   b.i64(to.cols - full));
  }
  /// Address of (depth 0, col).
  Value column(Value col) const {
    Value inside = arith::RemUIOp::create(b, col, b.i64(width));
    Value start = b.mul(b.sub(col, inside), to.panelDepth);
    return b.at(to.ptr, b.getF32Type(), b.add(start, inside));
  }
  void squares(Value row) const;
  void single(Value row) const;
};
} // namespace

/// Eight valid rows.
void TransposedPack::squares(Value row) const {
  Value target = column(row), stride = widthAt(row);
  auto square = [&](Value depth, int64_t side) {
    SmallVector<Value> lines;
    for (int64_t i = 0; i < kBlock; ++i)
      lines.push_back(b.loadHeld(rowAddress(b, from, b.add(row, i), depth),
                                 from.element, side));
    transpose(b, lines);
    for (int64_t i = 0; i < kBlock; ++i)
      b.store(lines[i],
              b.at(target, b.getF32Type(), b.mul(b.add(depth, i), stride)));
  };
  int64_t whole = to.depth / kBlock * kBlock;
  b.loop(whole, kBlock, [&](Value depth) { square(depth, kBlock); });
  if (whole == to.depth)
    return;
  b.loop(b.i64(whole), b.i64(to.depth), 1, [&](Value depth) {
    for (int64_t i = 0; i < kBlock; ++i) {
      Value value = b.loadHeld(rowAddress(b, from, b.add(row, i), depth),
                               from.element, 1);
      b.store(value,
              b.at(target, b.getF32Type(), b.add(b.mul(depth, stride), i)));
    }
  });
}

/// One row, which may be past the end.
void TransposedPack::single(Value row) const {
  Value target = column(row), stride = widthAt(row);
  auto line = [&](bool valid) {
    b.loop(to.depth, 1, [&](Value depth) {
      Value value =
          valid ? b.loadHeld(rowAddress(b, from, row, depth), from.element, 1)
                : b.floats(0, 1);
      b.store(value, b.at(target, b.getF32Type(), b.mul(depth, stride)));
    });
  };
  auto choice = scf::IfOp::create(b, b.less(row, from.count),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  line(true);
  b.setInsertionPointToStart(choice.elseBlock());
  line(false);
}

void attn_jit::cpu::buildPack(HostBuilder &b, const Rows &from,
                              const SharedTile &to) {
  if (!to.transposed)
    return packRows(b, from, to);
  TransposedPack pack{b, from, to};
  Value whole = b.mul(b.div(from.count, kBlock), kBlock);
  b.loop(b.i64(0), whole, kBlock, [&](Value row) { pack.squares(row); });
  b.loop(whole, b.i64(to.cols), 1, [&](Value row) { pack.single(row); });
}

//===-- Fragments ---------------------------------------------------------===//

void attn_jit::cpu::buildLoad(HostBuilder &b, const Rows &from, Value buffer,
                              int64_t rows) {
  auto fill = [&](Value first, Value end, bool zero) {
    b.loop(first, end, 1, [&](Value row) {
      forColumns(b, from.cols, [&](Value col, int64_t width) {
        Value value = zero ? b.floats(0, width)
                           : b.loadHeld(rowAddress(b, from, row, col),
                                        from.element, width);
        b.store(value, b.at(buffer, b.getF32Type(),
                            b.add(b.mul(row, from.cols), col)));
      });
    });
  };
  fill(b.i64(0), from.count, false);
  fill(from.count, b.i64(rows), true);
}

void attn_jit::cpu::buildStore(HostBuilder &b, Value buffer, Type element,
                               const Rows &to) {
  b.loop(b.i64(0), to.count, 1, [&](Value row) {
    forColumns(b, to.cols, [&](Value col, int64_t width) {
      Value value = b.loadHeld(
          b.at(buffer, b.getF32Type(), b.add(b.mul(row, to.cols), col)),
          heldType(element), width);
      b.storeHeld(value, rowAddress(b, to, row, col), to.element);
    });
  });
}

void attn_jit::cpu::buildCopy(HostBuilder &b, Value from, Value to,
                              int64_t elements) {
  Type f32 = b.getF32Type();
  forColumns(b, elements, [&](Value index, int64_t width) {
    b.store(b.load(b.at(from, f32, index), widened(f32, width)),
            b.at(to, f32, index));
  });
}
