// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a manifest's values are at a launch. Of the runtime itself.
#ifndef ATTN_JIT_RUNTIME_LAUNCHVALUES_H
#define ATTN_JIT_RUNTIME_LAUNCHVALUES_H

#include "runtime/Launch.h"

namespace attn_jit::rt {

/// Of q, k, v, o and lse.
const TensorArgument &tensorOf(const AttentionArguments &arguments,
                               Tensor tensor);
uint64_t addressOf(const AttentionArguments &arguments, Tensor tensor);

/// Saturates, so that an overflow is refused as too large.
int64_t multiplied(int64_t x, int64_t y);

/// `shape` is needed for Workgroups alone, which stands in no grid and no
/// requirement.
int64_t integer(const Value &value, const AttentionArguments &arguments,
                const LaunchGeometry *shape = nullptr);
double real(const Value &value, const AttentionArguments &arguments,
            const LaunchGeometry &shape);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_LAUNCHVALUES_H
