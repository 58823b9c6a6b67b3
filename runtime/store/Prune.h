// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What of a store is to go, decided from a list of its files alone. Private to
// the store.
#ifndef ATTN_JIT_RUNTIME_STORE_PRUNE_H
#define ATTN_JIT_RUNTIME_STORE_PRUNE_H

#include "runtime/store/LocalStore.h"

#include <string>
#include <sys/stat.h>
#include <vector>

namespace attn_jit::store {

struct ListedFile {
  std::string path;
  struct stat known{};
  /// Of an action that can be read: what it names. Of an object: itself.
  std::optional<Digest> object;
};

struct Removal {
  std::vector<size_t> actions, objects; ///< indices, in the order to remove
};

/// Least recent use goes first, before it what no clock dates. An object goes
/// with the last action that names it; one that none names when it is older
/// than `orphanSeconds`.
inline constexpr int64_t orphanSeconds = 3600;
Removal planRemoval(const std::vector<ListedFile> &actions,
                    const std::vector<ListedFile> &objects,
                    const PruneLimits &limits, int64_t now);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_PRUNE_H
