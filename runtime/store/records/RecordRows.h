// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the three record stores share: a record as it is kept, which of two
// stays, and how it is verified when it is read. A store keeps rows; RowStore
// makes records of them, under the one lock of the process.
#ifndef ATTN_JIT_RUNTIME_STORE_RECORDROWS_H
#define ATTN_JIT_RUNTIME_STORE_RECORDROWS_H

#include "runtime/store/records/RecordStore.h"

#include <set>

namespace attn_jit::store {

struct Row {
  Digest identity, problem;
  Voice voice = Voice::Own;
  std::string origin;
  std::string line;
};

/// Whether it is what it was stored as.
bool isIntact(const Row &row);
/// Whether `row` takes the place of one with the same identity: in any case if
/// that is not intact.
bool prevails(const Row &row, const Row &there);

class RowStore : public RecordStore {
public:
  rt::Result<int64_t> add(std::span<const StoredRecord> records) final;
  rt::Result<std::vector<StoredRecord>> allOf(const Digest &problem) final;
  rt::Result<std::vector<Digest>> problems() final;
  rt::Status each(const std::function<void(const StoredRecord &)> &visit) final;
  rt::Result<int64_t> count() final;
  RecordFaults faults() const final;

protected:
  // All with the store lock held.
  virtual rt::Result<int64_t> put(std::span<const Row> rows) = 0;
  /// In the order of their identities, as are the next ones.
  virtual rt::Result<std::vector<Row>> rowsOf(const Digest &problem) = 0;
  /// At most `most`, behind `after`; null: from the first.
  virtual rt::Result<std::vector<Row>> rowsAfter(const Digest *after,
                                                 size_t most) = 0;
  virtual rt::Result<std::vector<Digest>> problemsThere() = 0;
  virtual rt::Result<int64_t> rowCount() = 0;

  RecordFaults met; ///< without the rows that are not intact

private:
  /// Appends those that are intact.
  void verify(std::vector<Row> rows, std::vector<StoredRecord> &records);

  std::set<Digest> leftOut;
};

std::unique_ptr<RecordStore> openMemory();
std::unique_ptr<RecordStore> openDatabase(const CacheRoot &root);
std::unique_ptr<RecordStore> openSegments(const CacheRoot &root);

/// "records: PATH: WHAT: " and what errno says.
rt::Error systemError(const std::string &path, const char *what);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_RECORDROWS_H
