// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The records on this owner's disk: v1/records.sqlite (WAL, BEGIN IMMEDIATE,
// busy_timeout) where the file system is local, else one segment a writer,
// v1/records/<random>.jsonl, appended to by it alone, with an index that
// readers keep. Both hold the same set and answer the same queries.
//
// Lines that do not parse are left out and counted, never an error.
#ifndef ATTN_JIT_RUNTIME_STORE_RECORDSTORE_H
#define ATTN_JIT_RUNTIME_STORE_RECORDSTORE_H

#include "runtime/store/CacheRoot.h"
#include "runtime/store/Record.h"

#include <functional>
#include <memory>
#include <span>

namespace attn_jit::store {

/// Whose word a record is.
enum class Voice {
  Own,     ///< measured by this owner, or signed by a listed key
  Foreign, ///< a hint: verified and replayed before it is served
  Bundled, ///< shipped with the program
};

struct StoredRecord {
  Record record;
  Voice voice = Voice::Own;
  std::string origin; ///< of a foreign one: its URL, without credentials
};

class RecordStore {
public:
  virtual ~RecordStore() = default;

  /// Set union by identity; a record that is there keeps the stronger voice
  /// (Own before Bundled before Foreign). How many were new.
  virtual rt::Result<int64_t> add(std::span<const StoredRecord> records) = 0;
  /// All of a problem that nothing retracts, ordered by identity.
  virtual rt::Result<std::vector<StoredRecord>>
  ofProblem(const Digest &problem) = 0;
  /// In the order of their identities: what packs and remotes are filled from.
  virtual rt::Status
  each(const std::function<void(const StoredRecord &)> &visit) = 0;
  virtual rt::Result<int64_t> count() = 0;
};

/// SQLite, segments, or (without a root) memory.
rt::Result<std::unique_ptr<RecordStore>> openRecords(const CacheRoot &root);

/// What best() goes by.
struct BestQuery {
  Key device;
  std::string compiler; ///< strict: only its records count
  /// Records of other compilers and foreign ones count too, as hints.
  bool hints = false;
};

/// The record of the least median that nothing speaks against, the same for the
/// same set whatever its order; null: none. Failures of a schedule (its own,
/// under this compiler and driver) take it out; foreign failures only rank it
/// behind others. Ties go to the smaller identity.
const StoredRecord *best(std::span<const StoredRecord> records,
                         const BestQuery &query);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_RECORDSTORE_H
