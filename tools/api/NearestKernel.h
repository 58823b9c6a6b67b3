// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Why a kernel was not found: what its key wants, against the nearest one that
// the store holds.
#ifndef ATTN_JIT_TOOLS_API_NEARESTKERNEL_H
#define ATTN_JIT_TOOLS_API_NEARESTKERNEL_H

#include "runtime/store/local/LocalStore.h"

namespace attn_jit::api {

/// An entry of a store, by where its key differs from a wanted one.
struct NearKernel {
  store::Digest key;
  store::Place place = store::Place::Own;
  std::string origin; ///< of a foreign one
  std::vector<store::FieldDifference> differences;
};

/// The `most` that differ in the fewest fields, also one that differs in none;
/// of as many fields by digest, so that the order of a folder decides nothing.
/// Reads every action of the store.
std::vector<NearKernel> nearestKernels(const store::Key &wanted,
                                       const store::LocalStore &store,
                                       size_t most);

/// The error of a kernel that was to be found and is not, in remotes neither
/// where there are some; exit code 1.
rt::Error notCached(const std::optional<store::Key> &wanted,
                    const store::LocalStore &store, bool remotes);

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_NEARESTKERNEL_H
