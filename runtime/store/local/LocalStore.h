// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels on this owner's disk:
//
//   v1/objects/ab/abcd...   bytes under their own digest, 0444, zstd
//   v1/actions/ab/abcd...   under the key's digest: made here (ActionFile.h)
//   v1/foreign/ab/abcd...   the same, from elsewhere, with the URL
//   v1/locks/               ab (of keys), merge, publish, prune, stats; never
//                           deleted
//   v1/quarantine/          what did not verify, for a look
//   v1/tmp/                 of this file system; swept after two days
//   v1/stats, v1/pruned     Counters.h; empty, as old as the last prune
//
// Published is written, fsynced, renamed and its folder fsynced, the object
// before the action that names it. After the rename nothing fails a
// publication. An entry that is corrupt, short or absent in part is a miss,
// goes to quarantine and is counted; it is never an error of the caller.
#ifndef ATTN_JIT_RUNTIME_STORE_LOCALSTORE_H
#define ATTN_JIT_RUNTIME_STORE_LOCALSTORE_H

#include "runtime/store/Action.h"
#include "runtime/store/files/FileLock.h"
#include "runtime/store/local/Counters.h"

#include <chrono>
#include <functional>
#include <memory>

struct stat;

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
  Miss miss =
      Miss::Absent; ///< where there is no entry: the worst of both places
  Place place = Place::Own;
  std::string origin; ///< of a foreign entry: its URL, without credentials
};

/// A look-up that found nothing, waited for the key's lock and looks again is
/// one look-up.
enum class Look { First, Again };

/// Of one key: two keys never wait for each other (FileLock.h).
using KeyLock = FileLock;

struct PruneLimits {
  int64_t bytes = int64_t(5) << 30; ///< of actions and objects
  std::chrono::hours age{24 * 90};  ///< since its last use
};

struct Usage {
  int64_t actions = 0, foreign = 0, objects = 0; ///< files
  int64_t bytes = 0;                             ///< of these
  int64_t quarantined = 0;                       ///< files
};

/// Any number of threads and processes at once, also across fork. Without a
/// root everything misses and nothing is kept.
class LocalStore {
public:
  explicit LocalStore(CacheRoot root);

  const CacheRoot &root() const { return folder; }

  /// What was made here goes before what came from elsewhere. A miss of
  /// Look::Again has been counted.
  Lookup find(const Digest &key, Look look = Look::First) const;
  /// Bytes of that digest, verified.
  std::optional<std::string> object(const Digest &digest) const;
  /// Of own ones whoever was first stays, if it is whole. Foreign ones become
  /// merged() (Trust.h), with the smaller origin where their bodies are the
  /// same: in any order one state. `origin` is that of a foreign one, a URL
  /// without credentials. Failed: no room or no right to write, or no store;
  /// the caller goes on with the bytes it has.
  rt::Status publish(const Action &action, std::string_view object,
                     Place place = Place::Own, std::string_view origin = {});
  /// The signatures of `action` to the own entry of its key, whose body must be
  /// the same; BadInput: it is not, or there is no such entry, or no room for
  /// another signature. Whether one was new. It is no use of the entry.
  rt::Result<bool> addSignatures(const Action &action);
  /// Exclusive among threads and processes, so that one compiles and the others
  /// find; none after `limit`, once `calledOff` says so, or where nothing can
  /// be locked: the caller goes on alone. Whoever gets it looks again before it
  /// compiles.
  std::optional<KeyLock>
  lock(const Digest &key, std::chrono::milliseconds limit,
       const std::function<bool()> &calledOff = {}) const;

  /// Where the action of that key is, if it is there.
  std::string actionFile(const Digest &key, Place place) const;
  /// Each action, own and foreign; a corrupt one is left out.
  void each(const std::function<void(const Action &, Place,
                                     const std::string &origin)> &visit) const;
  /// Reads everything, which is no use of it; bad entries go to quarantine.
  /// Their names, such as "objects/ab/abcd...".
  std::vector<std::string> verify();
  /// By least recent use, until the limits hold; of what no action names, of
  /// tmp and of quarantine what is old. One process at a time: others do
  /// nothing. What was removed, in bytes.
  int64_t prune(const PruneLimits &limits);
  /// The same, if it was not done within a day: for whoever has published.
  int64_t pruneIfDue(const PruneLimits &limits);
  Usage usage() const;

  Counts counts() const { return counters->all(); }
  /// Otherwise when the last copy of this store ends.
  void flushCounts() { counters->flush(); }

private:
  /// An action without its object, on a file system that other hosts share:
  /// there the object may be seen later. A publication does not wait.
  enum class Partial { MayBeEarly, IsBad };
  /// Does the look mark the entry as used, for prune?
  enum class Mark { Used, None };
  /// Of one place, not counted as a hit or miss.
  Lookup load(const Digest &key, Place place, Partial partial,
              Mark mark = Mark::Used) const;
  struct LoadedObject {
    std::optional<std::string> bytes;
    Miss miss = Miss::Absent;
    bool otherLength = false; ///< whole, but not as long as the action says
  };
  LoadedObject loadObject(const Digest &digest,
                          std::optional<int64_t> bytes) const;
  /// Whether it was still there and is not any more, or cannot be moved.
  bool setAside(const std::string &path, const struct ::stat &bad) const;
  rt::Status keep(const Action &action, std::string_view object, Place place,
                  std::string_view origin);
  /// What is there becomes merged with `action`. Whether that made it another.
  rt::Result<bool> mergeInto(const Action &action, std::string_view object,
                             Place place, std::string_view origin);
  rt::Status keepObject(const Digest &digest, std::string_view object);

  CacheRoot folder;
  std::shared_ptr<Counters> counters;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_LOCALSTORE_H
