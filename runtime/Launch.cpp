// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Binds a caller's tensors to a manifest: values, requirements, grid, and the
// argument block. The way without an error allocates nothing.
#include "runtime/LaunchValues.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

using namespace attn_jit::rt;

static Status checkShape(const AttentionArguments &arguments) {
  const std::pair<const char *, int64_t> sizes[] = {
      {"batch", arguments.batch},      {"q_heads", arguments.qHeads},
      {"kv_heads", arguments.kvHeads}, {"q_len", arguments.qLen},
      {"kv_len", arguments.kvLen},
  };
  for (const auto &[field, size] : sizes) {
    if (size < 0 || size > INT32_MAX)
      return badInput(std::string(field) + ": " + std::to_string(size) +
                      " given, allowed: 0 to 2147483647");
  }
  if (arguments.kvHeads == 0 || arguments.qHeads % arguments.kvHeads)
    return badInput("q_heads: " + std::to_string(arguments.qHeads) +
                    " given, allowed: a multiple of kv_heads (" +
                    std::to_string(arguments.kvHeads) + ")");
  return success();
}

static Status checkRequirement(const Requirement &rule,
                               const AttentionArguments &arguments) {
  using Kind = Requirement::Kind;
  const int64_t bound = rule.right.literal;
  if (rule.kind == Kind::PointerAligned) {
    const uint64_t address = addressOf(arguments, rule.tensor);
    if (address % uint64_t(bound) == 0)
      return success();
    return badInput(std::string(name(rule.tensor)) + ": address " +
                    std::to_string(address) +
                    " given, allowed: a multiple of " + std::to_string(bound) +
                    " bytes (" + rule.text + ")");
  }
  const int64_t left = integer(rule.left, arguments);
  const int64_t right = integer(rule.right, arguments);
  bool holds = false;
  switch (rule.kind) {
  case Kind::Multiple:
  case Kind::Aligned:
    holds = right > 0 && left % right == 0;
    break;
  case Kind::AtMost:
    holds = left <= right;
    break;
  case Kind::AtLeast:
    holds = left >= right;
    break;
  case Kind::Equal:
    holds = left == right;
    break;
  case Kind::PointerAligned:
    break;
  }
  if (holds)
    return success();
  const char *const words = rule.kind == Kind::AtMost    ? "at most "
                            : rule.kind == Kind::AtLeast ? "at least "
                            : rule.kind == Kind::Equal   ? "only "
                                                         : "a multiple of ";
  // Nobody gives a quotient.
  const std::string field = rule.left.kind == Value::Kind::HeadsPerKv
                                ? "q_heads / kv_heads"
                                : rule.left.text;
  return badInput(field + ": " + std::to_string(left) + " given, allowed: " +
                  words + std::to_string(right) + " (" + rule.text + ")");
}

//===----------------------------------------------------------------------===//
// Tensor maps
//===----------------------------------------------------------------------===//

static int64_t elementBytes(TensorMapRequest::Element element) {
  switch (element) {
  case TensorMapRequest::Element::F16:
  case TensorMapRequest::Element::BF16:
    return 2;
  case TensorMapRequest::Element::F32:
    return 4;
  case TensorMapRequest::Element::U8:
    return 1;
  }
  return 0;
}

/// The address of a tensor; one without rows may have none.
static Result<uint64_t> wantAddress(const AttentionArguments &given,
                                    Tensor tensor, const Device &where) {
  const uint64_t address = addressOf(given, tensor);
  const bool keys = tensor == Tensor::K || tensor == Tensor::V;
  if (!address && tensor <= Tensor::O && !(keys && given.kvLen == 0))
    return badInput(std::string(name(tensor)) +
                    ": no address given, allowed: the tensor's on " +
                    where.info().selector());
  return address;
}

static Result<TensorMapRequest> describeMap(const Manifest &manifest,
                                            const Argument &argument,
                                            const AttentionArguments &given) {
  const TensorArgument &tensor = tensorOf(given, argument.tensor);
  const std::string_view which = name(argument.tensor);
  const bool query =
      argument.tensor == Tensor::Q || argument.tensor == Tensor::O;
  const bool wide =
      argument.tensor == Tensor::V || argument.tensor == Tensor::O;

  TensorMapRequest request;
  request.element = argument.element;
  request.box = argument.box;
  request.swizzleBytes = argument.swizzle;
  if (tensor.address % 16)
    return badInput(std::string(which) + ": address " +
                    std::to_string(tensor.address) +
                    " given, allowed: a multiple of 16 bytes, as tensor maps "
                    "need");

  const int64_t sizes[4] = {wide ? manifest.valueDim : manifest.headDim,
                            query ? given.qLen : given.kvLen,
                            query ? given.qHeads : given.kvHeads, given.batch};
  const std::pair<const char *, int64_t> strides[3] = {
      {"row", tensor.rowStride},
      {"head", tensor.headStride},
      {"batch", tensor.batchStride}};
  const int64_t bytes = elementBytes(argument.element);
  // A map has no empty dimension; kernels copy from beyond the one row where a
  // length is 0 (codegen/schedule/FlashFwdWs.cpp).
  for (int i = 0; i < 4; ++i)
    request.dims[i] = uint64_t(std::max<int64_t>(sizes[i], 1));
  for (int i = 0; i < 3; ++i) {
    const auto &[dimension, stride] = strides[i];
    // The stride of a dimension of one element is never used, and callers put
    // anything there.
    if (sizes[i + 1] <= 1) {
      request.strideBytes[i] = 16;
      continue;
    }
    if (stride < 0 || stride >= (int64_t(1) << 40) / bytes ||
        stride * bytes % 16)
      return badInput(std::string(which) + ".stride." + dimension + ": " +
                      std::to_string(stride) + " elements of " +
                      std::to_string(bytes) +
                      " bytes given, allowed: a multiple of 16 bytes below "
                      "2^40, as tensor maps need");
    request.strideBytes[i] = uint64_t(stride * bytes);
  }
  return request;
}

//===----------------------------------------------------------------------===//
// Arguments and grid
//===----------------------------------------------------------------------===//

static Result<double> capturedValue(const Manifest &manifest,
                                    const Value &value,
                                    const AttentionArguments &arguments) {
  const std::string &wanted = manifest.capturedNames[size_t(value.literal)];
  for (const CapturedScalar &scalar : arguments.captured)
    if (scalar.name == wanted)
      return scalar.value;
  return badInput(wanted + ": nothing given, allowed: a number, the kernel's "
                           "description captured it");
}

/// What single precision would make an infinity or 0 of is no number that the
/// caller meant; a NaN is none at all.
static Result<float> narrowed(const Value &value, double number) {
  const float narrow = float(number);
  if (std::isinf(number) ||
      (std::isfinite(narrow) && (number == 0 || narrow != 0)))
    return narrow;
  char text[96];
  std::snprintf(text, sizeof text,
                ": %g given, allowed: what single precision holds", number);
  return badInput(value.text + text);
}

static Status checkScale(double scale) {
  if (scale >= leastScale && scale <= mostScale)
    return success();
  char text[96];
  std::snprintf(text, sizeof text, "scale: %g given, allowed: %g to %g", scale,
                leastScale, mostScale);
  return badInput(text);
}

static Status writeNumber(const Manifest &manifest, const Argument &argument,
                          const AttentionArguments &given,
                          const LaunchGeometry &shape, std::byte *to) {
  const bool captured = argument.value.kind == Value::Kind::Captured;
  double number = 0;
  if (captured) {
    ATTN_TRY(number, capturedValue(manifest, argument.value, given));
  }
  if (argument.value.kind == Value::Kind::Scale ||
      argument.value.kind == Value::Kind::ScaleLog2e)
    ATTN_CHECK(checkScale(given.scale));
  if (argument.kind == Argument::Kind::F32) {
    ATTN_TRY(const float narrow,
             narrowed(argument.value,
                      captured ? number : real(argument.value, given, shape)));
    std::memcpy(to, &narrow, sizeof narrow);
    return success();
  }
  // Beyond 2^53 a double is no exact integer.
  if (captured && !(std::floor(number) == number && std::abs(number) <= 0x1p53))
    return badInput(argument.value.text + ": " + std::to_string(number) +
                    " given, allowed: an integer");
  const int64_t wide =
      captured ? int64_t(number) : integer(argument.value, given, &shape);
  if (argument.kind == Argument::Kind::I64) {
    std::memcpy(to, &wide, sizeof wide);
    return success();
  }
  const int32_t narrow = int32_t(wide);
  if (narrow != wide)
    return badInput(argument.value.text + ": " + std::to_string(wide) +
                    " given, allowed: -2147483648 to 2147483647 (an i32 of "
                    "this kernel)");
  std::memcpy(to, &narrow, sizeof narrow);
  return success();
}

/// Kernels whose workgroups walk over tiles count them in i32, and a round of
/// workgroups beyond the last. (A workgroup's steps are counted in i32 too:
/// 2^31 of them take tens of minutes.)
static constexpr int64_t maxTiles = int64_t(1) << 30;

/// One dimension.
static int64_t gridSize(const GridRule &rule,
                        const AttentionArguments &arguments) {
  int64_t size = 1;
  for (const GridRule::Factor &factor : rule.factors) {
    const int64_t value = integer(factor.value, arguments);
    const int64_t count =
        value / factor.divisor + (value % factor.divisor > 0 ? 1 : 0);
    if (count <= 0)
      return 0;
    size = multiplied(size, count);
  }
  return size;
}

Status PreparedKernel::bind(const AttentionArguments &arguments,
                            BoundLaunch &bound) const {
  // Empty until every check has passed: a caller may reuse the handle.
  bound.prepared = nullptr;
  ATTN_CHECK(checkShape(arguments));
  for (const Requirement &rule : contract.requirements)
    ATTN_CHECK(checkRequirement(rule, arguments));
  if (contract.workspaceBytes > 0 &&
      (!arguments.workspace ||
       arguments.workspaceBytes < contract.workspaceBytes))
    return badInput(
        "workspace: " +
        std::to_string(arguments.workspace ? arguments.workspaceBytes : 0) +
        " bytes given, allowed: at least " +
        std::to_string(contract.workspaceBytes));

  bound.empty = false;
  bound.shape.block = contract.block;
  bound.shape.cluster = contract.cluster;
  bound.shape.sharedBytes = contract.sharedBytes;
  const std::array<int64_t, 3> &limits = where.info().maxGrid;
  for (size_t i = 0; i < 3; ++i) {
    const GridRule &rule = contract.grid[i];
    int64_t size = gridSize(rule, arguments);
    const int64_t limit = rule.resident ? maxTiles : limits[i];
    if (size > limit)
      return badInput("grid[" + std::to_string(i) +
                      "]: " + std::to_string(size) +
                      " blocks given, allowed: "
                      "at most " +
                      std::to_string(limit) + " on " + where.info().selector());
    // Any number below is right as well: whole clusters.
    if (const int64_t whole =
            residentBlocks - residentBlocks % contract.cluster[i];
        rule.resident && whole)
      size = std::min(size, whole);
    if (size % contract.cluster[i])
      return badInput("grid[" + std::to_string(i) +
                      "]: " + std::to_string(size) +
                      " blocks given, allowed: a multiple of the cluster's " +
                      std::to_string(contract.cluster[i]));
    bound.shape.grid[i] = uint32_t(size);
    bound.empty |= size == 0;
  }

  bound.used = contract.argumentBytes;
  if (bound.empty) {
    bound.prepared = this;
    return success();
  }
  std::memset(bound.block, 0, bound.used);
  for (const Argument &argument : contract.arguments) {
    std::byte *to = bound.block + argument.offset;
    if (argument.kind == Argument::Kind::TensorMap) {
      ATTN_TRY(const uint64_t address,
               wantAddress(arguments, argument.tensor, where));
      ATTN_TRY(TensorMapRequest request,
               describeMap(contract, argument, arguments));
      // A map has no null address; of a tensor without rows none is read.
      request.address = address ? address : arguments.q.address;
      ATTN_CHECK(where.driver().encodeTensorMap(
          request, *reinterpret_cast<TensorMap *>(to)));
    } else if (argument.kind == Argument::Kind::Pointer) {
      ATTN_TRY(const uint64_t address,
               wantAddress(arguments, argument.tensor, where));
      std::memcpy(to, &address, sizeof address);
    } else {
      ATTN_CHECK(writeNumber(contract, argument, arguments, bound.shape, to));
    }
  }
  bound.prepared = this;
  return success();
}

Status BoundLaunch::launch(const Stream &stream) const {
  if (!prepared)
    return badInput("launch: an empty handle was used");
  if (empty)
    return success();
  const Manifest &manifest = prepared->manifest();
  void *pointers[maxArguments];
  // Drivers read the block and write nothing to it.
  std::byte *data = const_cast<std::byte *>(block);
  uint32_t count = 0;
  for (const Argument &argument : manifest.arguments)
    pointers[count++] = data + argument.offset;
  return prepared->kernel().launch(shape, {data, used, pointers, count},
                                   stream);
}

Status PreparedKernel::launch(const AttentionArguments &arguments,
                              const Stream &stream) const {
  BoundLaunch bound;
  ATTN_CHECK(bind(arguments, bound));
  return bound.launch(stream);
}
