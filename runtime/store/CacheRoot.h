// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The folder of this owner's store: $ATTN_JIT_CACHE, or
// $XDG_CACHE_HOME/attn-jit, or $HOME/.cache/attn-jit. It holds code that will
// run, so nobody else may be able to write to it: it is made 0700, its owner is
// checked, and of the folders above it each must belong to this user or to root
// and be writable by no other, unless it is sticky. /tmp is never chosen.
//
// Without such a folder everything works, slower. That is said once a process.
#ifndef ATTN_JIT_RUNTIME_STORE_CACHEROOT_H
#define ATTN_JIT_RUNTIME_STORE_CACHEROOT_H

#include <string>

namespace attn_jit::store {

struct CacheRoot {
  std::string path;      ///< empty: there is none
  std::string absent;    ///< why there is none, one sentence
  bool readOnly = false; ///< found entries are used, nothing is written
  /// nfs, lustre, gpfs, cifs, fuse (statfs): where SQLite's locks do not hold.
  bool sharedFileSystem = false;

  explicit operator bool() const { return !path.empty(); }
};

/// By the environment; makes the folder.
CacheRoot findCacheRoot();
/// The same rules for a given folder.
CacheRoot checkCacheRoot(const std::string &path);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_CACHEROOT_H
