// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The folder of this owner's store: $ATTN_JIT_CACHE, or
// $XDG_CACHE_HOME/attn-jit, or $HOME/.cache/attn-jit. It holds code that will
// run, so nobody else may be able to write to it: it is made 0700, its owner is
// checked, and of the folders above it each must belong to this user or to root
// and be writable by no other, unless it is sticky. Nothing falls back to /tmp,
// and no folder of the machine's, such as /tmp, is taken.
//
// Without such a folder everything works, slower. That is said once a process,
// unless ATTN_JIT_CACHE is "off": then there is no store because none is
// wanted.
#ifndef ATTN_JIT_RUNTIME_STORE_CACHEROOT_H
#define ATTN_JIT_RUNTIME_STORE_CACHEROOT_H

#include <optional>
#include <string>

namespace attn_jit::store {

struct CacheRoot {
  std::string path;      ///< without links; empty: there is none
  std::string absent;    ///< why there is none, one sentence
  bool readOnly = false; ///< found entries are used, nothing is written
  /// nfs, lustre, gpfs, cifs, fuse and their like (statfs): where SQLite's
  /// locks do not hold.
  bool sharedFileSystem = false;
  bool off = false; ///< there is none, as the user asked

  explicit operator bool() const { return !path.empty(); }
};

/// By the environment; makes the folder.
CacheRoot findCacheRoot();
/// The same rules for a given folder.
CacheRoot checkCacheRoot(const std::string &path);

/// What a user is told where there is no store, or one that takes nothing: for
/// the first who asks in a process. One line without its end.
std::optional<std::string> noticeOnce(const CacheRoot &root);

/// Whether a file system of this type (statfs) is one that machines share.
bool isSharedFileSystem(unsigned long type);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_CACHEROOT_H
