// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Launches of a kernel, and what a call's tensors ask of it.
#include "tools/api/Engine.h"

#include <bit>

using namespace attn_jit;
using namespace attn_jit::api;

/// The stride of a dimension of size 1 is never used, so it may be anything; 0
/// satisfies every rule of a manifest.
static rt::AttentionArguments withoutIdleStrides(rt::AttentionArguments a) {
  auto clear = [&](rt::TensorArgument &tensor, int64_t heads, int64_t rows) {
    if (a.batch <= 1)
      tensor.batchStride = 0;
    if (heads <= 1)
      tensor.headStride = 0;
    if (rows <= 1)
      tensor.rowStride = 0;
  };
  clear(a.q, a.qHeads, a.qLen);
  clear(a.k, a.kvHeads, a.kvLen);
  clear(a.v, a.kvHeads, a.kvLen);
  clear(a.o, a.qHeads, a.qLen);
  return a;
}

rt::Status Kernel::bind(const rt::AttentionArguments &arguments,
                        rt::BoundLaunch &bound) const {
  return loaded.bind(withoutIdleStrides(arguments), bound);
}

rt::Status Kernel::launch(const rt::AttentionArguments &arguments,
                          const rt::Stream &stream) const {
  return loaded.launch(withoutIdleStrides(arguments), stream);
}

int64_t api::alignmentOf(const rt::AttentionArguments &arguments,
                         int64_t elementBytes, bool batchInvariant) {
  uint64_t bits = 16;
  auto add = [&](const rt::TensorArgument &tensor, int64_t batch, int64_t heads,
                 int64_t rows) {
    bits |= tensor.address;
    // The stride of a dimension of size 1 is never used.
    if (batch > 1 || batchInvariant)
      bits |= uint64_t(tensor.batchStride * elementBytes);
    if (heads > 1)
      bits |= uint64_t(tensor.headStride * elementBytes);
    if (rows > 1)
      bits |= uint64_t(tensor.rowStride * elementBytes);
  };
  const auto &a = arguments;
  add(a.q, a.batch, a.qHeads, a.qLen);
  add(a.k, a.batch, a.kvHeads, a.kvLen);
  add(a.v, a.batch, a.kvHeads, a.kvLen);
  add(a.o, a.batch, a.qHeads, a.qLen);
  return int64_t(1) << std::countr_zero(bits);
}
