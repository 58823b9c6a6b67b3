// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels on this owner's disk:
//
//   v1/objects/ab/abcd...   bytes under their own digest, 0444, zstd
//   v1/actions/ab/abcd...   Action text under the key's digest: made here
//   v1/foreign/ab/abcd...   "origin " URL "\n", then Action text: from
//   elsewhere v1/locks/ab             flock files, one for each first byte,
//   never deleted v1/quarantine/          what did not verify, for a look
//   v1/tmp/                 of this file system; swept after two days
//
// Published is written, fsynced, renamed and its folder fsynced, the object
// before the action that names it. After the rename nothing fails a
// publication. An entry that is corrupt, short or absent in part is a miss,
// goes to quarantine and is counted; it is never an error of the caller.
#ifndef ATTN_JIT_RUNTIME_STORE_LOCALSTORE_H
#define ATTN_JIT_RUNTIME_STORE_LOCALSTORE_H

#include "runtime/store/Action.h"
#include "runtime/store/CacheRoot.h"

#include <chrono>
#include <functional>
#include <memory>

namespace attn_jit::store {

enum class Miss { Absent, Corrupt, Unreadable };
std::string_view name(Miss miss); ///< "absent", "corrupt", "unreadable"

/// Whose word an entry on this disk is.
enum class Place {
  Own,    ///< made by this owner's compiler: runs as it is
  Foreign ///< from elsewhere: its signature is checked at each load
};

struct Lookup {
  std::optional<Entry> entry;
  Miss miss = Miss::Absent; ///< where there is no entry
  Place place = Place::Own;
  std::string origin; ///< of a foreign entry: its URL, without credentials
};

/// Held until it ends, or its process does. A child of fork holds it not.
class KeyLock {
public:
  KeyLock(KeyLock &&other) noexcept;
  KeyLock &operator=(KeyLock &&other) noexcept;
  ~KeyLock();

private:
  friend class LocalStore;
  explicit KeyLock(int file) : file(file) {}
  int file = -1;
};

struct PruneLimits {
  int64_t bytes = int64_t(5) << 30;
  std::chrono::hours age{24 * 90}; ///< since its last use
};

struct Usage {
  int64_t actions = 0, foreign = 0, objects = 0, bytes = 0, quarantined = 0;
};

/// Any number of threads and processes at once, also across fork.
class LocalStore {
public:
  explicit LocalStore(CacheRoot root);

  const CacheRoot &root() const { return folder; }

  /// What was made here goes before what came from elsewhere.
  Lookup find(const Digest &key) const;
  /// Bytes of that digest, verified.
  std::optional<std::string> object(const Digest &digest) const;
  /// Whoever was first stays. `origin` where it is foreign.
  rt::Status publish(const Action &action, std::string_view object,
                     Place place = Place::Own, std::string_view origin = {});
  /// Exclusive among processes, so that one compiles and the others find; none
  /// after `limit`: the caller goes on alone.
  std::optional<KeyLock> lock(const Digest &key,
                              std::chrono::milliseconds limit) const;

  /// Each action, own and foreign; a corrupt one is left out.
  void each(const std::function<void(const Action &, Place,
                                     const std::string &origin)> &visit) const;
  /// Reads everything; bad entries go to quarantine. Their names.
  std::vector<std::string> verify();
  /// By least recent use, until the limits hold. What was removed, in bytes.
  int64_t prune(const PruneLimits &limits);
  Usage usage() const;

private:
  CacheRoot folder;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_LOCALSTORE_H
