// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host tensors of a description, and their copies on a device.
#ifndef ATTN_JIT_TOOLS_BENCH_TENSORS_H
#define ATTN_JIT_TOOLS_BENCH_TENSORS_H

#include "runtime/Launch.h"
#include "runtime/check/Reference.h"
#include "runtime/tensor/Tensor.h"
#include "tools/api/Description.h"

namespace attn_jit::bench {

rt::DType hostType(api::Element element);
rt::CausalAlign referenceAlign(api::Align align);
/// Memory order of [batch, heads, rows, dim] for a layout.
std::vector<unsigned> memoryOrder(api::Layout layout);

/// A host tensor's bytes, span and gaps, on the device.
struct DeviceTensor {
  rt::Buffer buffer;
  rt::TensorArgument argument;

  /// [batch, heads, rows, dim], or [batch, heads, rows] with rows contiguous.
  static rt::Result<DeviceTensor> upload(const rt::Device &device,
                                         const rt::HostTensor &tensor);
};

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_TENSORS_H
