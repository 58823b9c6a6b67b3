// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums of errors in double over the compared rows.
// Invariant: what is not a number never enters a sum; it is counted apart and
// fails.

#include "runtime/check/Compare.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace attn_jit::rt {
namespace {

/// Quiet NaNs with a payload; arithmetic makes 0x7fc00000 and its like.
constexpr uint64_t unwrittenF64 = 0x7ffa5a5a5a5a5a5a;
constexpr uint32_t unwrittenF32 = 0x7fe5a5a5;
constexpr uint16_t unwrittenF16 = 0x7ea5, unwrittenBf16 = 0x7fe5;

template <typename T> bool holds(const std::byte *at, T pattern) {
  T bits;
  std::memcpy(&bits, at, sizeof bits);
  return bits == pattern;
}

bool isUnwritten(const HostTensor &tensor, int64_t index) {
  const std::byte *at =
      tensor.data() + index * int64_t(byteSize(tensor.type()));
  switch (tensor.type()) {
  case DType::F64:
    return holds(at, unwrittenF64);
  case DType::F32:
    return holds(at, unwrittenF32);
  case DType::F16:
    return holds(at, unwrittenF16);
  case DType::BF16:
    return holds(at, unwrittenBf16);
  default:
    return false;
  }
}

class Sums {
public:
  explicit Sums(const HostTensor &output) : output(output) {}

  void add(int64_t index, double truth, int64_t row) {
    double value = output.load(index);
    ++result.elements;
    if (std::isnan(value) && isUnwritten(output, index)) {
      ++result.unwritten;
      return;
    }
    if (!std::isfinite(value) || !std::isfinite(truth)) {
      // Infinities of one sign agree (an LSE of -inf); a NaN agrees with
      // nothing.
      result.nonFinite += !(value == truth);
      return;
    }
    double error = std::fabs(value - truth);
    squaredError += error * error;
    squaredTruth += truth * truth;
    squaredValue += value * value;
    product += value * truth;
    absolute += error;
    if (error > result.maxAbsError || result.worstRow < 0) {
      result.maxAbsError = error;
      result.worstRow = row;
    }
  }

  Comparison finish(int64_t rows, int64_t totalRows) {
    result.rows = rows;
    result.totalRows = totalRows;
    if (result.elements)
      result.meanAbsError = absolute / double(result.elements);
    double truth = std::sqrt(squaredTruth), value = std::sqrt(squaredValue);
    result.relError = truth > 0 ? std::sqrt(squaredError) / truth : value;
    if (truth > 0 && value > 0)
      result.cosine = product / (truth * value);
    else
      result.cosine = truth == value ? 1 : 0;
    return result;
  }

private:
  const HostTensor &output;
  Comparison result;
  double squaredError = 0, squaredTruth = 0, squaredValue = 0, product = 0,
         absolute = 0;
};

Status wantShape(const HostTensor &tensor, const char *field, unsigned rank) {
  if (!tensor.defined() || tensor.rank() != rank)
    return badInput(std::string(field) + " wants " + std::to_string(rank) +
                    " dimensions");
  return success();
}

} // namespace

void markUnwritten(HostTensor &tensor) {
  std::byte *at = tensor.storage()->data();
  uint64_t size = byteSize(tensor.type());
  auto fill = [&](auto pattern) {
    for (uint64_t i = 0; i + size <= tensor.storage()->size(); i += size)
      std::memcpy(at + i, &pattern, sizeof pattern);
  };
  switch (tensor.type()) {
  case DType::F64:
    return fill(unwrittenF64);
  case DType::F32:
    return fill(unwrittenF32);
  case DType::F16:
    return fill(unwrittenF16);
  case DType::BF16:
    return fill(unwrittenBf16);
  default:
    return; // no NaN to mark with
  }
}

Result<Comparison> compareOutput(const HostTensor &output,
                                 const ReferenceResult &reference) {
  ATTN_CHECK(wantShape(output, "output", 4));
  int64_t heads = output.dim(1), length = output.dim(2);
  if (output.dim(0) * heads * length != reference.rows.total ||
      output.dim(3) != reference.valueDim)
    return badInput("output has shape " + shapeText(output.shape()) +
                    "; the reference has " +
                    std::to_string(reference.rows.total) + " rows of " +
                    std::to_string(reference.valueDim));
  Sums sums(output);
  for (int64_t i = 0; i < reference.rows.count(); ++i) {
    int64_t flat = reference.rows[i], row = flat / length;
    int64_t at = output.at(row / heads, row % heads, flat % length, 0);
    auto truth = reference.outputRow(i);
    for (int64_t d = 0; d < reference.valueDim; ++d)
      sums.add(at + d * output.stride(3), truth[d], flat);
  }
  return sums.finish(reference.rows.count(), reference.rows.total);
}

Result<Comparison> compareLse(const HostTensor &lse,
                              const ReferenceResult &reference) {
  ATTN_CHECK(wantShape(lse, "lse", 3));
  int64_t heads = lse.dim(1), length = lse.dim(2);
  if (lse.dim(0) * heads * length != reference.rows.total)
    return badInput("lse has shape " + shapeText(lse.shape()) +
                    "; the reference has " +
                    std::to_string(reference.rows.total) + " rows");
  Sums sums(lse);
  for (int64_t i = 0; i < reference.rows.count(); ++i) {
    int64_t flat = reference.rows[i], row = flat / length;
    sums.add(row / heads * lse.stride(0) + row % heads * lse.stride(1) +
                 flat % length * lse.stride(2),
             reference.lse[i], flat);
  }
  return sums.finish(reference.rows.count(), reference.rows.total);
}

Result<Comparison> compareTensors(const HostTensor &output,
                                  const HostTensor &truth) {
  if (!output.defined() || !truth.defined() ||
      output.shape() != truth.shape() || output.rank() == 0)
    return badInput("tensors of shapes " + shapeText(output.shape()) + " and " +
                    shapeText(truth.shape()) + " cannot be compared");
  ATTN_TRY(HostTensor left, output.contiguous());
  ATTN_TRY(HostTensor right, truth.contiguous());
  Sums sums(left);
  int64_t width = std::max<int64_t>(left.shape().back(), 1);
  int64_t count = left.numElements();
  for (int64_t i = 0; i < count; ++i)
    sums.add(i, right.load(i), i / width);
  return sums.finish(count / width, count / width);
}

std::optional<double> tolerance(DType type, InputKind kind, bool tf32) {
  const bool plain = kind == InputKind::Normal || kind == InputKind::Uniform;
  switch (type) {
  case DType::F64:
    return 1e-12;
  case DType::F32:
    if (tf32)
      return plain ? 1e-3 : 2e-2;
    return plain ? 2e-6 : 1e-4;
  case DType::F16:
    return plain ? 1e-3 : 4e-3;
  case DType::BF16:
    return plain ? 5e-3 : 2e-2;
  default:
    return std::nullopt;
  }
}

std::string toText(const Comparison &comparison) {
  char numbers[64];
  std::snprintf(numbers, sizeof numbers, "rel %.1e max %.1e",
                comparison.relError, comparison.maxAbsError);
  std::string text = numbers;
  if (comparison.sampled())
    text += " (" + std::to_string(comparison.rows) + " of " +
            std::to_string(comparison.totalRows) + " rows)";
  if (comparison.unwritten)
    text += ", " + std::to_string(comparison.unwritten) + " elements unwritten";
  if (comparison.nonFinite)
    text += ", " + std::to_string(comparison.nonFinite) + " not finite";
  return text;
}

} // namespace attn_jit::rt
