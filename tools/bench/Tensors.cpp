// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The description's names in the runtime's tensors.
#include "tools/bench/Tensors.h"

using namespace attn_jit;
using namespace attn_jit::bench;

rt::DType bench::hostType(api::Element element) {
  switch (element) {
  case api::Element::F32:
    return rt::DType::F32;
  case api::Element::F16:
    return rt::DType::F16;
  case api::Element::BF16:
    return rt::DType::BF16;
  }
  return rt::DType::F32;
}

rt::CausalAlign bench::referenceAlign(api::Align align) {
  return align == api::Align::BottomRight ? rt::CausalAlign::BottomRight
                                          : rt::CausalAlign::TopLeft;
}

std::vector<unsigned> bench::memoryOrder(api::Layout layout) {
  if (layout == api::Layout::BSHD)
    return {0, 2, 1, 3};
  return {0, 1, 2, 3};
}

rt::Result<DeviceTensor> DeviceTensor::upload(const rt::Device &device,
                                              const rt::HostTensor &tensor) {
  DeviceTensor made;
  ATTN_TRY(made.buffer, device.allocate(tensor.spanBytes()));
  ATTN_CHECK(made.buffer.copyFrom(tensor.data(), tensor.spanBytes()));
  made.argument = {made.buffer.address(), tensor.stride(0), tensor.stride(1),
                   tensor.rank() == 4 ? tensor.stride(2) : 1};
  return made;
}
