// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an image takes, where no device says so.
#ifndef ATTN_JIT_TOOLS_API_INSPECT_H
#define ATTN_JIT_TOOLS_API_INSPECT_H

#include "tools/api/Compile.h"
#include "tools/api/Ptxas.h"

namespace attn_jit::api {

/// PTX: registers, spills and occupancy by ptxas where it is installed; the
/// report stays "n/a" where not. Other images tell themselves.
rt::Status addPtxasReport(Compiled &compiled, Assembled *assembled = nullptr);

/// The share of a multiprocessor's threads that are resident, by the rules of
/// the CUDA C++ Programming Guide for compute capability 9.0; absent for other
/// chips.
std::optional<double> occupancyOf(const std::string &target, int64_t threads,
                                  int64_t registers, int64_t sharedBytes);

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_INSPECT_H
