// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is asked of the compiler, and of stores, for a kernel: the same whether
// an engine asks on its device, or a command ahead of it elsewhere.
#ifndef ATTN_JIT_TOOLS_API_KERNELREQUEST_H
#define ATTN_JIT_TOOLS_API_KERNELREQUEST_H

#include "tools/api/Engine.h"
#include "tools/api/ScheduleChoice.h"

namespace attn_jit::api {

struct KernelRequest {
  CompileOptions asked;  ///< before anybody chose
  CompileOptions wanted; ///< with the schedule that serves
  ScheduleChosen chosen;
};

/// With dump and override folders of the environment. A chosen schedule is one
/// for all classes of calls, as one that a flag names.
KernelRequest requestOf(ScheduleChoice &choice, const Description &description,
                        const KernelOptions &options,
                        const std::string &deviceTarget);

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_KERNELREQUEST_H
