// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row's digests were made when it was stored. What is read is held to them,
// since a flipped bit in a digit gives another valid record.
#include "runtime/store/records/RecordRows.h"
#include "runtime/store/files/Fork.h"

#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <tuple>

using namespace attn_jit;
using namespace attn_jit::store;

/// Records that one step of each() reads, the lock held.
static constexpr size_t stepRows = 256;

/// `line` is the record's, and without a signature its body too.
static Digest identityOf(const Record &record, const std::string &line) {
  return record.signature ? record.identity()
                          : sha256("attn-jit.record.v1\n" + line);
}

bool attn_jit::store::isIntact(const Row &row) {
  const auto record = Record::parse(row.line);
  return record && identityOf(*record, row.line) == row.identity &&
         record->problemDigest() == row.problem;
}

bool attn_jit::store::prevails(const Row &row, const Row &there) {
  // Texts of one identity differ in their signatures alone: the longer one has
  // one. What was measured here stays so, whoever signed it too.
  auto rank = [](const Row &of) {
    return std::make_tuple(
        of.voice, !of.origin.empty(), -int64_t(of.line.size()),
        std::string_view(of.origin), std::string_view(of.line));
  };
  const bool isSame = row.line == there.line && row.problem == there.problem;
  return rank(row) < rank(there) || (!isSame && !isIntact(there));
}

static rt::Result<std::vector<Row>>
rowsOfRecords(std::span<const StoredRecord> records) {
  std::vector<Row> rows;
  rows.reserve(records.size());
  const Key *problem = nullptr;
  for (const auto &[record, voice, origin] : records) {
    Row row{{}, {}, voice, origin, record.line()};
    row.identity = identityOf(record, row.line);
    ATTN_CHECK([&]() -> rt::Status {
      ATTN_TRY(Record again, Record::parse(row.line));
      return rt::success();
    }());
    // Most come problem by problem.
    row.problem = problem && *problem == record.problem
                      ? rows.back().problem
                      : record.problemDigest();
    problem = &record.problem;
    rows.push_back(std::move(row));
  }
  return rows;
}

void RowStore::verify(std::vector<Row> rows,
                      std::vector<StoredRecord> &records) {
  Key problem;
  Digest digest;
  for (Row &row : rows) {
    auto record = Record::parse(row.line);
    if (record && record->problem != problem) {
      problem = record->problem;
      digest = problem.digest();
    }
    if (!record || digest != row.problem ||
        identityOf(*record, row.line) != row.identity)
      leftOut.insert(row.identity);
    else
      records.push_back({std::move(*record), row.voice, std::move(row.origin)});
  }
}

rt::Result<int64_t> RowStore::add(std::span<const StoredRecord> records) {
  ATTN_TRY(const std::vector<Row> rows, rowsOfRecords(records));
  if (rows.empty())
    return 0;
  const StoreLock lock;
  return put(rows);
}

rt::Result<std::vector<StoredRecord>> RowStore::allOf(const Digest &problem) {
  std::vector<StoredRecord> records;
  const StoreLock lock;
  ATTN_TRY(std::vector<Row> rows, rowsOf(problem));
  verify(std::move(rows), records);
  return records;
}

rt::Status
RowStore::each(const std::function<void(const StoredRecord &)> &visit) {
  std::optional<Digest> after;
  for (;;) {
    std::vector<StoredRecord> records;
    {
      const StoreLock lock;
      ATTN_TRY(std::vector<Row> rows,
               rowsAfter(after ? &*after : nullptr, stepRows));
      if (rows.empty())
        return rt::success();
      after = rows.back().identity;
      verify(std::move(rows), records);
    }
    for (const StoredRecord &record : records)
      visit(record);
  }
}

rt::Result<std::vector<Digest>> RowStore::problems() {
  const StoreLock lock;
  return problemsThere();
}

rt::Result<int64_t> RowStore::count() {
  const StoreLock lock;
  return rowCount();
}

RecordFaults RowStore::faults() const {
  const StoreLock lock;
  RecordFaults all = met;
  all.lines += int64_t(leftOut.size());
  return all;
}

rt::Error attn_jit::store::systemError(const std::string &path,
                                       const char *what) {
  return rt::failed("records: " + path + ": " + what + ": " +
                    std::strerror(errno));
}
