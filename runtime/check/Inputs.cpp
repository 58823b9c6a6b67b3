// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counter-based numbers, and the formulas of docs/inputs.md over them.
// Invariant: element (tensor, b, h, row, d) is a function of those and the
// seed; loops only choose an order.

#include "runtime/check/Inputs.h"

#include "runtime/Printable.h"
#include "runtime/tensor/CapturedInputs.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <oneapi/tbb/parallel_for.h>

namespace attn_jit::rt {
namespace {

constexpr std::pair<InputKind, std::string_view> kinds[] = {
    {InputKind::Uniform, "uniform"},     {InputKind::Normal, "normal"},
    {InputKind::Zero, "zero"},           {InputKind::Sink, "sink"},
    {InputKind::Underflow, "underflow"}, {InputKind::LateSink, "latesink"},
    {InputKind::MaxStair, "maxstair"},
};

/// A bijection of 64 bits whose every output bit depends on every input bit.
uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// Box-Muller: an even index and the next are the coordinates of one point.
std::pair<double, double> normalPair(uint64_t seed, uint64_t stream,
                                     uint64_t even) {
  double radius =
      std::sqrt(-2 * std::log(1 - counterUniform(seed, stream, even)));
  double angle = 2 * std::numbers::pi * counterUniform(seed, stream, even + 1);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

enum Stream : uint64_t { queryStream = 1, keyStream, valueStream };

/// One row of a tensor at its logical position.
struct Row {
  Stream stream;
  int64_t row, firstIndex; ///< counter of the row's element 0
};

class Filler {
public:
  Filler(const InputOptions &options, const HostTensor &query,
         const HostTensor &key)
      : options(options), keyLen(key.dim(2)),
        // Aims at scores, so coordinates are sqrt(score / scale) each side.
        scale(options.scale != 0 ? options.scale
                                 : 1 / std::sqrt(double(query.dim(3)))) {}

  void fill(HostTensor &tensor, Stream stream) const {
    int64_t heads = tensor.dim(1), rows = tensor.dim(2), width = tensor.dim(3);
    tbb::parallel_for(
        int64_t(0), tensor.dim(0) * heads * rows, [&](int64_t flat) {
          Row row{stream, flat % rows, flat * width};
          std::vector<double> values(width);
          base(row, values);
          if (stream != valueStream)
            shape(row, values);
          int64_t at =
              tensor.at(flat / rows / heads, flat / rows % heads, row.row, 0);
          for (int64_t d = 0; d < width; ++d)
            tensor.store(at + d * tensor.stride(3), values[d]);
        });
  }

private:
  void base(const Row &row, std::vector<double> &values) const {
    if (options.kind == InputKind::Uniform) {
      for (size_t d = 0; d < values.size(); ++d)
        values[d] =
            counterUniform(options.seed, row.stream, row.firstIndex + d);
      return;
    }
    size_t d = 0;
    if (row.firstIndex & 1)
      values[d++] = counterNormal(options.seed, row.stream, row.firstIndex);
    for (; d < values.size(); d += 2) {
      auto [even, odd] =
          normalPair(options.seed, row.stream, row.firstIndex + d);
      values[d] = even;
      if (d + 1 < values.size())
        values[d + 1] = odd;
    }
  }

  void shape(const Row &row, std::vector<double> &values) const {
    bool isQuery = row.stream == queryStream;
    switch (options.kind) {
    case InputKind::Uniform:
    case InputKind::Normal:
      return;
    case InputKind::Zero:
      std::fill(values.begin(), values.end(), 0);
      return;
    case InputKind::Sink:
      return aim(isQuery, row.row == 0 ? 20 : 0, 20, values);
    case InputKind::LateSink:
      return aim(isQuery, row.row == keyLen - 1 ? 20 : 0, 20, values);
    case InputKind::Underflow: {
      constexpr double scores[4] = {-200, -104, -90, 0};
      return aim(isQuery, scores[row.row % 4], 200, values);
    }
    case InputKind::MaxStair:
      return stair(isQuery, row.row, values);
    }
  }

  /// Gives the key the score \p score, and \p reach the greatest of them; where
  /// that is not 0 the rest of the key is 0, so nothing else adds to it.
  void aim(bool isQuery, double score, double reach,
           std::vector<double> &values) const {
    double unit = std::sqrt(reach / std::fabs(scale));
    if (!isQuery && score != 0)
      std::fill(values.begin(), values.end(), 0);
    values[0] = isQuery ? std::copysign(unit, scale) : unit * score / reach;
  }

  /// Step t = 16 * hi + lo of the stair as two small integers, which f16 and
  /// bf16 hold exactly, so that equal steps stay equal.
  void stair(bool isQuery, int64_t row, std::vector<double> &values) const {
    int64_t steps = (keyLen + options.stairRows - 1) / options.stairRows;
    double rise = std::min(8.0, 256.0 / double(steps)) / scale;
    int64_t step = row / options.stairRows, high = step / 16, low = step % 16;
    for (double &value : values)
      value *= 0.5;
    // A power of two takes the query's size to the key without rounding.
    double share = std::exp2(std::floor(std::log2(std::fabs(rise)) / 2));
    values[0] = isQuery ? 16 * rise / share : double(high) * share;
    if (values.size() > 1)
      values[1] = isQuery ? rise / share : double(low) * share;
  }

  const InputOptions &options;
  int64_t keyLen;
  double scale;
};

} // namespace

std::string_view name(InputKind kind) {
  for (const auto &[value, text] : kinds)
    if (value == kind)
      return text;
  return "";
}

Result<InputKind> parseInputKind(std::string_view text) {
  for (const auto &[value, name] : kinds)
    if (text == name)
      return value;
  return badInput("input: " + inQuotes(text) +
                  " given, allowed: uniform, normal, zero, sink, underflow, "
                  "latesink, maxstair");
}

const std::vector<InputKind> &allInputKinds() {
  static const std::vector<InputKind> all = [] {
    std::vector<InputKind> result;
    for (const auto &[value, name] : kinds)
      result.push_back(value);
    return result;
  }();
  return all;
}

uint64_t counterBits(uint64_t seed, uint64_t stream, uint64_t index) {
  constexpr uint64_t golden = 0x9e3779b97f4a7c15u;
  return mix(mix(mix(seed + golden) ^ (stream * golden)) + index * golden);
}

double counterUniform(uint64_t seed, uint64_t stream, uint64_t index) {
  return double(counterBits(seed, stream, index) >> 11) * 0x1p-53;
}

double counterNormal(uint64_t seed, uint64_t stream, uint64_t index) {
  auto [even, odd] = normalPair(seed, stream, index & ~uint64_t(1));
  return index & 1 ? odd : even;
}

Result<void> fillInputs(HostTensor &query, HostTensor &key, HostTensor &value,
                        const InputOptions &options) {
  ATTN_CHECK(checkAttentionShapes(query, key, value));
  for (const HostTensor *tensor : {&query, &key, &value})
    if (!isFloatingPoint(tensor->type()))
      return badInput("inputs are made as f16, bf16, f32 or f64, not " +
                      std::string(name(tensor->type())));
  if (options.stairRows < 1)
    return badInput("stair rows are " + std::to_string(options.stairRows) +
                    "; at least 1 is wanted");
  Filler filler(options, query, key);
  filler.fill(query, queryStream);
  filler.fill(key, keyStream);
  filler.fill(value, valueStream);
  return success();
}

} // namespace attn_jit::rt
