// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host tensors: bounds of views, copies between layouts and element types.
// Invariant: no sum or product of sizes is formed without an overflow check.

#include "runtime/tensor/Tensor.h"

#include "runtime/tensor/HalfFloat.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>

namespace attn_jit::rt {
namespace {

constexpr size_t maxRank = 64;
constexpr uint64_t maxBytes = uint64_t(1) << 46;

struct TypeRow {
  DType type;
  std::string_view name;
  size_t bytes;
};
constexpr TypeRow types[] = {
    {DType::F64, "f64", 8},   {DType::F32, "f32", 4}, {DType::F16, "f16", 2},
    {DType::BF16, "bf16", 2}, {DType::I64, "i64", 8}, {DType::I32, "i32", 4},
    {DType::I16, "i16", 2},   {DType::I8, "i8", 1},   {DType::U8, "u8", 1},
    {DType::Bool, "bool", 1},
};
const TypeRow &row(DType type) { return types[size_t(type)]; }

template <typename T> T loadAs(const std::byte *at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}
template <typename T> void storeAs(std::byte *at, T value) {
  std::memcpy(at, &value, sizeof(T));
}

std::vector<int64_t> denseStrides(const std::vector<int64_t> &shape,
                                  const std::vector<unsigned> &memoryOrder) {
  std::vector<int64_t> strides(shape.size());
  int64_t step = 1;
  for (size_t i = memoryOrder.size(); i-- > 0;) {
    strides[memoryOrder[i]] = step;
    step *= shape[memoryOrder[i]];
  }
  return strides;
}

/// Bytes of a dense tensor, or no value where they pass the limit.
std::optional<uint64_t> denseBytes(DType type,
                                   const std::vector<int64_t> &shape) {
  uint64_t bytes = byteSize(type);
  // A zero anywhere makes the tensor empty, whatever the other dimensions.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end())
    return 0;
  for (int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(bytes, uint64_t(size), &bytes) ||
        bytes > maxBytes)
      return std::nullopt;
  return bytes;
}

/// Calls body(index of the first element, dense index of it) for each run of
/// elements along the last dimension.
template <typename Body> void forEachRow(const HostTensor &tensor, Body body) {
  const auto &shape = tensor.shape(), &strides = tensor.strides();
  int64_t count = tensor.numElements();
  if (count == 0)
    return;
  unsigned outer = shape.empty() ? 0 : shape.size() - 1;
  int64_t length = shape.empty() ? 1 : shape.back();
  std::vector<int64_t> position(outer, 0);
  int64_t index = 0;
  for (int64_t dense = 0; dense < count; dense += length) {
    body(index, dense);
    for (unsigned d = outer; d-- > 0;) {
      index += strides[d];
      if (++position[d] < shape[d])
        break;
      index -= shape[d] * strides[d];
      position[d] = 0;
    }
  }
}

} // namespace

size_t byteSize(DType type) { return row(type).bytes; }
std::string_view name(DType type) { return row(type).name; }

bool isFloatingPoint(DType type) { return type <= DType::BF16; }

Result<std::shared_ptr<Storage>> Storage::allocate(uint64_t bytes) {
  void *memory = nullptr;
  if (bytes <= maxBytes)
    memory =
        std::aligned_alloc(64, std::max<uint64_t>(bytes + 63, 64) / 64 * 64);
  if (!memory)
    return Error{ErrorCode::OutOfMemory,
                 "out of host memory: " + std::to_string(bytes) +
                     " bytes were asked for",
                 {}};
  return std::shared_ptr<Storage>(
      new Storage(static_cast<std::byte *>(memory), bytes));
}

Storage::~Storage() { std::free(bytes); }

Result<HostTensor> HostTensor::zeros(DType type, std::vector<int64_t> shape) {
  std::vector<unsigned> order(shape.size());
  std::iota(order.begin(), order.end(), 0u);
  return zeros(type, std::move(shape), order);
}

Result<HostTensor> HostTensor::zeros(DType type, std::vector<int64_t> shape,
                                     const std::vector<unsigned> &memoryOrder) {
  auto bytes = denseBytes(type, shape);
  if (!bytes)
    return badInput("a tensor of shape " + shapeText(shape) +
                    " is too large for host memory");
  ATTN_TRY(auto storage, Storage::allocate(*bytes));
  std::memset(storage->data(), 0, *bytes);
  // The strides of an empty tensor mean nothing, and could overflow.
  auto strides = *bytes ? denseStrides(shape, memoryOrder)
                        : std::vector<int64_t>(shape.size(), 1);
  return view(std::move(storage), type, std::move(shape), std::move(strides),
              0);
}

Result<HostTensor> HostTensor::view(std::shared_ptr<Storage> storage,
                                    DType type, std::vector<int64_t> shape,
                                    std::vector<int64_t> strides,
                                    int64_t offset) {
  if (shape.size() != strides.size() || shape.size() > maxRank)
    return badInput("shape " + shapeText(shape) + " with strides " +
                    shapeText(strides) + ": the ranks must agree, and be " +
                    std::to_string(maxRank) + " at most");
  if (offset < 0)
    return badInput("storage offset " + std::to_string(offset) +
                    " is negative");
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] < 0 || strides[i] < 0)
      return badInput("shape " + shapeText(shape) + " with strides " +
                      shapeText(strides) + ": none may be negative");
  if (!denseBytes(type, shape))
    return badInput("a tensor of shape " + shapeText(shape) +
                    " is too large for host memory");
  // The furthest element decides; an empty tensor has none, but its offset
  // must still be inside.
  bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  uint64_t end = offset;
  bool overflow = false;
  for (size_t i = 0; i < shape.size() && !empty; ++i) {
    uint64_t reach = 0;
    overflow |= __builtin_mul_overflow(uint64_t(shape[i] - 1),
                                       uint64_t(strides[i]), &reach);
    overflow |= __builtin_add_overflow(end, reach, &end);
  }
  if (!empty)
    overflow |= __builtin_add_overflow(end, uint64_t(1), &end);
  overflow |= __builtin_mul_overflow(end, uint64_t(byteSize(type)), &end);
  if (overflow || end > storage->size())
    return badInput("shape " + shapeText(shape) + ", strides " +
                    shapeText(strides) + ", offset " + std::to_string(offset) +
                    " reach past the storage of " +
                    std::to_string(storage->size()) + " bytes");
  HostTensor tensor;
  tensor.type_ = type;
  tensor.shape_ = std::move(shape);
  tensor.strides_ = std::move(strides);
  tensor.offset_ = offset;
  tensor.storage_ = std::move(storage);
  return tensor;
}

int64_t HostTensor::numElements() const {
  if (std::find(shape_.begin(), shape_.end(), 0) != shape_.end())
    return 0;
  return std::accumulate(shape_.begin(), shape_.end(), int64_t(1),
                         std::multiplies<>());
}

int64_t HostTensor::spanBytes() const {
  if (numElements() == 0)
    return 0;
  int64_t last = 0;
  for (unsigned i = 0; i < rank(); ++i)
    last += (shape_[i] - 1) * strides_[i];
  return (last + 1) * byteSize(type_);
}

bool HostTensor::isContiguous() const {
  if (numElements() == 0)
    return true;
  int64_t step = 1;
  for (unsigned i = rank(); i-- > 0;) {
    if (shape_[i] != 1 && strides_[i] != step)
      return false;
    step *= shape_[i];
  }
  return true;
}

Result<HostTensor> HostTensor::contiguous() const {
  if (isContiguous())
    return *this;
  ATTN_TRY(HostTensor copy, zeros(type_, shape_));
  size_t size = byteSize(type_);
  int64_t length = shape_.back(), step = strides_.back();
  forEachRow(*this, [&](int64_t index, int64_t dense) {
    const std::byte *from = data() + index * size;
    std::byte *into = copy.data() + dense * size;
    if (step == 1) {
      std::memcpy(into, from, length * size);
      return;
    }
    for (int64_t i = 0; i < length; ++i)
      std::memcpy(into + i * size, from + i * step * size, size);
  });
  return copy;
}

Result<HostTensor> HostTensor::convert(DType type) const {
  if (type == type_)
    return contiguous();
  ATTN_TRY(HostTensor copy, zeros(type, shape_));
  int64_t length = shape_.empty() ? 1 : shape_.back();
  int64_t step = shape_.empty() ? 1 : strides_.back();
  forEachRow(*this, [&](int64_t index, int64_t dense) {
    for (int64_t i = 0; i < length; ++i)
      copy.store(dense + i, load(index + i * step));
  });
  return copy;
}

HostTensor HostTensor::permute(const std::vector<unsigned> &order) const {
  HostTensor result = *this;
  for (unsigned i = 0; i < order.size(); ++i) {
    result.shape_[i] = shape_[order[i]];
    result.strides_[i] = strides_[order[i]];
  }
  return result;
}

HostTensor HostTensor::slice(unsigned i, int64_t begin, int64_t size) const {
  HostTensor result = *this;
  result.shape_[i] = size;
  result.offset_ += begin * strides_[i];
  return result;
}

double HostTensor::load(int64_t index) const {
  const std::byte *at = data() + index * int64_t(byteSize(type_));
  switch (type_) {
  case DType::F64:
    return loadAs<double>(at);
  case DType::F32:
    return loadAs<float>(at);
  case DType::F16:
    return f16ToFloat(loadAs<uint16_t>(at));
  case DType::BF16:
    return bf16ToFloat(loadAs<uint16_t>(at));
  case DType::I64:
    return loadAs<int64_t>(at);
  case DType::I32:
    return loadAs<int32_t>(at);
  case DType::I16:
    return loadAs<int16_t>(at);
  case DType::I8:
    return loadAs<int8_t>(at);
  case DType::U8:
  case DType::Bool:
    return loadAs<uint8_t>(at);
  }
  return 0;
}

namespace {
/// Saturating, as a cast of an out-of-range double is undefined.
template <typename T> T toInteger(double value) {
  if (!(value > double(std::numeric_limits<T>::min())))
    return value != value ? T(0) : std::numeric_limits<T>::min();
  if (value >= double(std::numeric_limits<T>::max()))
    return std::numeric_limits<T>::max();
  return T(std::nearbyint(value));
}
} // namespace

void HostTensor::store(int64_t index, double value) {
  std::byte *at = data() + index * int64_t(byteSize(type_));
  switch (type_) {
  case DType::F64:
    return storeAs(at, value);
  case DType::F32:
    return storeAs(at, float(value));
  case DType::F16:
    return storeAs(at, doubleToF16(value));
  case DType::BF16:
    return storeAs(at, doubleToBf16(value));
  case DType::I64:
    return storeAs(at, toInteger<int64_t>(value));
  case DType::I32:
    return storeAs(at, toInteger<int32_t>(value));
  case DType::I16:
    return storeAs(at, toInteger<int16_t>(value));
  case DType::I8:
    return storeAs(at, toInteger<int8_t>(value));
  case DType::U8:
    return storeAs(at, toInteger<uint8_t>(value));
  case DType::Bool:
    return storeAs(at, uint8_t(value != 0));
  }
}

void HostTensor::loadRow(int64_t index, int64_t stride, int64_t count,
                         float *into) const {
  const std::byte *from = data();
  switch (type_) {
  case DType::F32:
    for (int64_t i = 0; i < count; ++i)
      into[i] = loadAs<float>(from + (index + i * stride) * 4);
    return;
  case DType::F16:
    for (int64_t i = 0; i < count; ++i)
      into[i] = f16ToFloat(loadAs<uint16_t>(from + (index + i * stride) * 2));
    return;
  case DType::BF16:
    for (int64_t i = 0; i < count; ++i)
      into[i] = bf16ToFloat(loadAs<uint16_t>(from + (index + i * stride) * 2));
    return;
  default:
    for (int64_t i = 0; i < count; ++i)
      into[i] = float(load(index + i * stride));
  }
}

std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

} // namespace attn_jit::rt
