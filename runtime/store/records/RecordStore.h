// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The records on this owner's disk: v1/records.sqlite (WAL, BEGIN IMMEDIATE,
// busy_timeout) where the file system is local, else one segment a writer,
// v1/records/<random>.jsonl, appended to by it alone, with an index that
// readers keep. Both hold the same set and answer the same queries
// (docs/records.md).
//
// Lines that do not parse, or whose bytes are not those that were stored, are
// left out and counted, never an error. A database that is corrupt goes to
// v1/quarantine and a new one is begun.
#ifndef ATTN_JIT_RUNTIME_STORE_RECORDSTORE_H
#define ATTN_JIT_RUNTIME_STORE_RECORDSTORE_H

#include "runtime/store/local/CacheRoot.h"
#include "runtime/store/records/Record.h"

#include <functional>
#include <memory>
#include <span>

namespace attn_jit::store {

/// Whose word a record is; the stronger one goes first.
enum class Voice {
  Own,     ///< measured by this owner, or signed by a listed key
  Bundled, ///< shipped with the program
  Foreign, ///< a hint: verified and replayed before it is served
};
std::string_view name(Voice voice); ///< "own", "bundled", "foreign"

struct StoredRecord {
  Record record;
  Voice voice = Voice::Own;
  /// The URL that it came from, without credentials; empty: made here. The
  /// voice of one with an origin is that of its signature when it was added:
  /// whether its key is listed by now, or revoked, is asked by whoever uses it
  /// (RecordTrust.h).
  std::string origin;
};

/// What a store met and left out, each thing once.
struct RecordFaults {
  int64_t lines = 0;
  int64_t databases = 0; ///< corrupt as a whole
};

/// Any number of threads and processes at once. In a child of fork a store is
/// as usable as in its parent, and fork waits for a call that is under way.
/// Where other processes hold a database for five seconds, the error is
/// Timeout.
class RecordStore {
public:
  virtual ~RecordStore() = default;

  /// Set union by identity. Of two with one identity stays that of the stronger
  /// voice, then the one that has no origin, then the one with a signature,
  /// then that of the smaller origin, then the smaller line. How many were new.
  /// Idempotent: after an error some may be there. A record that parse() would
  /// refuse is an error, and nothing is added; so it is (Unsupported) where the
  /// root is read-only.
  virtual rt::Result<int64_t> add(std::span<const StoredRecord> records) = 0;
  /// All of a problem, retracted ones and retractions too, ordered by identity:
  /// for who tells voices anew.
  virtual rt::Result<std::vector<StoredRecord>>
  allOf(const Digest &problem) = 0;
  /// Of these what nothing retracts (takeOutRetracted).
  rt::Result<std::vector<StoredRecord>> ofProblem(const Digest &problem);
  /// Those of which there are records, in their order: whoever asks for many
  /// problems that nobody has measured knows so without a query for each.
  virtual rt::Result<std::vector<Digest>> problems() = 0;
  /// All, retracted ones and retractions too, in the order of their identities:
  /// what packs and remotes are filled from. `visit` may use the store.
  virtual rt::Status
  each(const std::function<void(const StoredRecord &)> &visit) = 0;
  /// Of each(), but for what it leaves out.
  virtual rt::Result<int64_t> count() = 0;
  virtual RecordFaults faults() const = 0;
};

/// Whether a store holds any yet: opening one would make it.
bool hasRecords(const CacheRoot &root);

/// SQLite, segments, or (without a root) memory. Touches no file yet.
rt::Result<std::unique_ptr<RecordStore>> openRecords(const CacheRoot &root);

struct ReadRecords {
  std::vector<StoredRecord> records;
  int64_t leftOut = 0; ///< lines that are no records
};

/// A stranger's lines, or those of a file that is shipped; empty ones are none.
ReadRecords readRecords(std::string_view lines, Voice voice,
                        const std::string &origin);

/// Takes out retractions and what they retract, in place, order kept. A
/// retraction counts against a record of the same problem whose voice is not
/// stronger than its own, but that a bundled one counts against own records
/// too: nobody else takes away what was measured here.
void takeOutRetracted(std::vector<StoredRecord> &records);

/// What best() goes by.
struct BestQuery {
  Key device;
  std::string compiler; ///< strict: only its records count
  /// Records of other compilers and foreign ones count too, as hints.
  bool hints = false;
  /// Failures count under this one; empty: it is not known, and those under any
  /// driver count.
  std::string driver = {};
};

/// The best record of each schedule, best first; the same for the same set
/// whatever its order. The set is of one problem; retractions in it count.
///
/// 1. Of the records that nothing retracts (takeOutRetracted) only those of
///    query.device count.
/// 2. A failure speaks against its schedule if its compiler and driver are the
///    query's. Own and bundled ones take the schedule out, foreign ones put it
///    behind all others of its class. Throttled speaks neither for nor against.
/// 3. A record is a candidate if its outcome is Ok, it is own or bundled and of
///    query.compiler (class 0); with `hints` also own ones of other compilers
///    (class 1), bundled ones (2) and foreign ones of any compiler (3).
/// 4. Candidates are ordered by class, then those that no foreign failure
///    speaks against, then by median, then by identity.
std::vector<const StoredRecord *> ranked(std::span<const StoredRecord> records,
                                         const BestQuery &query);

/// The first of ranked(); null: none.
const StoredRecord *best(std::span<const StoredRecord> records,
                         const BestQuery &query);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_RECORDSTORE_H
