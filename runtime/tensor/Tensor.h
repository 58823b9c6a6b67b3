// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tensor in host memory: element type, shape, strides in elements, and
// storage that several tensors may share. Invariant: every element that shape
// and strides can address lies inside the storage.

#ifndef ATTN_JIT_RUNTIME_TENSOR_TENSOR_H
#define ATTN_JIT_RUNTIME_TENSOR_TENSOR_H

#include "runtime/Result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace attn_jit::rt {

enum class DType : uint8_t { F64, F32, F16, BF16, I64, I32, I16, I8, U8, Bool };

size_t byteSize(DType type);
/// Name as the launch manifest spells it: "f16", "bf16", "f32", "i8", ...
std::string_view name(DType type);
bool isFloatingPoint(DType type);

/// Bytes aligned to 64, so that vector loads and device copies need no special
/// case.
class Storage {
public:
  /// Uninitialised bytes; fails with the number of bytes asked for.
  static Result<std::shared_ptr<Storage>> allocate(uint64_t bytes);
  ~Storage();
  Storage(const Storage &) = delete;
  Storage &operator=(const Storage &) = delete;

  std::byte *data() { return bytes; }
  const std::byte *data() const { return bytes; }
  uint64_t size() const { return count; }

private:
  Storage(std::byte *bytes, uint64_t count) : bytes(bytes), count(count) {}
  std::byte *bytes;
  uint64_t count;
};

class HostTensor {
public:
  HostTensor() = default;

  /// A new contiguous tensor (last dimension innermost), zero filled.
  static Result<HostTensor> zeros(DType type, std::vector<int64_t> shape);
  /// A new tensor whose dimensions lie in memory in the order given, outermost
  /// first: {0, 2, 1, 3} stores a [batch, heads, rows, dim] tensor as BSHD.
  static Result<HostTensor> zeros(DType type, std::vector<int64_t> shape,
                                  const std::vector<unsigned> &memoryOrder);
  /// A view; fails when an element could lie outside the storage, or a stride
  /// is negative.
  static Result<HostTensor> view(std::shared_ptr<Storage> storage, DType type,
                                 std::vector<int64_t> shape,
                                 std::vector<int64_t> strides, int64_t offset);

  bool defined() const { return storage_ != nullptr; }
  DType type() const { return type_; }
  unsigned rank() const { return shape_.size(); }
  const std::vector<int64_t> &shape() const { return shape_; }
  /// In elements.
  const std::vector<int64_t> &strides() const { return strides_; }
  int64_t dim(unsigned i) const { return shape_[i]; }
  int64_t stride(unsigned i) const { return strides_[i]; }
  int64_t numElements() const;
  /// The bytes of all elements, each counted once, as a contiguous copy would
  /// take.
  int64_t numBytes() const { return numElements() * byteSize(type_); }

  /// Address of element (0, ..., 0).
  std::byte *data() { return storage_->data() + offset_ * byteSize(type_); }
  const std::byte *data() const {
    return storage_->data() + offset_ * byteSize(type_);
  }
  const std::shared_ptr<Storage> &storage() const { return storage_; }
  /// Of element (0, ..., 0), in elements from the storage's start.
  int64_t offset() const { return offset_; }
  /// Bytes from data() to the end of the last element that can be addressed.
  int64_t spanBytes() const;

  bool isContiguous() const;
  /// This tensor, or a fresh contiguous copy of it.
  Result<HostTensor> contiguous() const;
  /// A contiguous copy with each element converted, rounding to nearest even.
  Result<HostTensor> convert(DType type) const;
  /// Dimension i of the result is dimension order[i] of this one; no copy.
  HostTensor permute(const std::vector<unsigned> &order) const;
  /// No copy. Wants begin + size <= dim(i).
  HostTensor slice(unsigned i, int64_t begin, int64_t size) const;

  /// Linear element index (in elements from data()) of a rank-4 position.
  int64_t at(int64_t a, int64_t b, int64_t c, int64_t d) const {
    return a * strides_[0] + b * strides_[1] + c * strides_[2] +
           d * strides_[3];
  }
  /// Element at a linear index from data(), as a double (f16 ... f32 exactly).
  double load(int64_t index) const;
  /// Rounds to nearest even for floating types.
  void store(int64_t index, double value);
  /// Loads \p count elements, \p stride apart, as floats.
  void loadRow(int64_t index, int64_t stride, int64_t count, float *into) const;

private:
  DType type_ = DType::F32;
  std::vector<int64_t> shape_, strides_;
  int64_t offset_ = 0;
  std::shared_ptr<Storage> storage_;
};

/// "[1, 12, 512, 32]"
std::string shapeText(const std::vector<int64_t> &shape);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_TENSOR_TENSOR_H
