// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What copies into a pipe and the pipe's barriers agree on.
#ifndef ATTN_JIT_CODEGEN_NVPTX_THREADCOPY_H
#define ATTN_JIT_CODEGEN_NVPTX_THREADCOPY_H

#include "codegen/lower/DirectTensor.h"
#include "codegen/nvptx/NvptxTarget.h"

namespace attn_jit {

/// Bytes of the copies that pass no register: their addresses are multiples of
/// it.
inline constexpr int64_t kThreadCopyBytes = 16;

/// Do copies of `op`'s kernel go on beside the threads that issued them?
inline bool copiesBesideThreads(mlir::Operation *op) {
  return alignmentOf(op) >= kThreadCopyBytes;
}

/// Threads of the workgroup that `op` runs on; the kernel may be a function
/// already, which keeps its units as an attribute.
inline int64_t threadsOf(const GpuTarget &target, mlir::Operation *op) {
  auto kernel = op->getParentOfType<mlir::FunctionOpInterface>();
  return kernel->getAttrOfType<mlir::IntegerAttr>("units").getInt() *
         target.info.unitThreads;
}

} // namespace attn_jit

#endif
