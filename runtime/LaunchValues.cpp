// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/LaunchValues.h"

using namespace attn_jit::rt;

const TensorArgument &
attn_jit::rt::tensorOf(const AttentionArguments &arguments, Tensor tensor) {
  switch (tensor) {
  case Tensor::Q:
    return arguments.q;
  case Tensor::K:
    return arguments.k;
  case Tensor::V:
    return arguments.v;
  case Tensor::O:
    return arguments.o;
  default:
    return arguments.lse;
  }
}

uint64_t attn_jit::rt::addressOf(const AttentionArguments &arguments,
                                 Tensor tensor) {
  return tensor == Tensor::Workspace ? arguments.workspace
                                     : tensorOf(arguments, tensor).address;
}

int64_t attn_jit::rt::multiplied(int64_t x, int64_t y) {
  int64_t product = 0;
  return __builtin_mul_overflow(x, y, &product) ? INT64_MAX : product;
}

int64_t attn_jit::rt::integer(const Value &value,
                              const AttentionArguments &arguments,
                              const LaunchGeometry *shape) {
  switch (value.kind) {
  case Value::Kind::Batch:
    return arguments.batch;
  case Value::Kind::QHeads:
    return arguments.qHeads;
  case Value::Kind::KvHeads:
    return arguments.kvHeads;
  case Value::Kind::HeadsPerKv:
    return arguments.qHeads / arguments.kvHeads;
  case Value::Kind::QLen:
    return arguments.qLen;
  case Value::Kind::KvLen:
    return arguments.kvLen;
  case Value::Kind::StrideBatch:
    return tensorOf(arguments, value.tensor).batchStride;
  case Value::Kind::StrideHead:
    return tensorOf(arguments, value.tensor).headStride;
  case Value::Kind::StrideRow:
    return tensorOf(arguments, value.tensor).rowStride;
  case Value::Kind::Workgroups:
    return multiplied(multiplied(shape->grid[0], shape->grid[1]),
                      shape->grid[2]);
  default:
    return value.literal;
  }
}

double attn_jit::rt::real(const Value &value,
                          const AttentionArguments &arguments,
                          const LaunchGeometry &shape) {
  static constexpr double log2e = 1.4426950408889634074;
  if (value.kind == Value::Kind::Scale)
    return arguments.scale;
  if (value.kind == Value::Kind::ScaleLog2e)
    return arguments.scale * log2e;
  if (value.kind == Value::Kind::Literal)
    return value.real;
  return double(integer(value, arguments, &shape));
}
