// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Why a kernel was not found: what its key wants, against the nearest one that
// the store holds.
#ifndef ATTN_JIT_TOOLS_API_NEARESTKERNEL_H
#define ATTN_JIT_TOOLS_API_NEARESTKERNEL_H

#include "runtime/store/local/LocalStore.h"

namespace attn_jit::api {

/// The error of a kernel that was to be found and is not; exit code 1. Reads
/// every action of the store.
rt::Error notCached(const std::optional<store::Key> &wanted,
                    const store::LocalStore &store);

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_NEARESTKERNEL_H
