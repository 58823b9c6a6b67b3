// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows into the table of records and out of it.
#include "runtime/store/records/RecordConnection.h"

#include <algorithm>

using namespace attn_jit;
using namespace attn_jit::store;

/// Rows of one transaction, so that other writers get their turns.
static constexpr size_t mostRows = 4096;

static std::optional<Row> rowAt(const Statement &statement) {
  const auto identity = statement.digest(0), problem = statement.digest(1);
  const int64_t voice = statement.number(2);
  if (!identity || !problem || voice < 0 || voice > int64_t(Voice::Foreign))
    return std::nullopt;
  return Row{*identity, *problem, Voice(voice), std::string(statement.text(3)),
             std::string(statement.text(4))};
}

rt::Result<std::vector<Row>> attn_jit::store::rowsFrom(RecordConnection &open,
                                                       Statement &statement) {
  std::vector<Row> rows;
  int code = SQLITE_ROW;
  while ((code = statement.step()) == SQLITE_ROW)
    if (auto row = rowAt(statement))
      rows.push_back(std::move(*row));
  rt::Result<std::vector<Row>> result(std::move(rows));
  if (code != SQLITE_DONE)
    result = open.fault(code);
  statement.done();
  return result;
}

rt::Result<std::vector<Digest>>
attn_jit::store::problemsIn(RecordConnection &open) {
  std::vector<Digest> problems;
  int code = SQLITE_ROW;
  while ((code = open.problems.step()) == SQLITE_ROW)
    if (const auto problem = open.problems.digest(0))
      problems.push_back(*problem);
  rt::Result<std::vector<Digest>> result(std::move(problems));
  if (code != SQLITE_DONE)
    result = open.fault(code);
  open.problems.done();
  return result;
}

static void bind(Statement &statement, const Row &row) {
  statement.bind(1, row.identity);
  statement.bind(2, row.problem);
  statement.bind(3, int64_t(row.voice));
  statement.bind(4, row.origin);
  statement.bind(5, row.line);
}

/// Whether it was new.
static rt::Result<bool> putOne(RecordConnection &open, const Row &row) {
  bind(open.insert, row);
  const int code = open.insert.step();
  // RETURNING gives its row when the insertion is done.
  rt::Result<bool> isNew(code == SQLITE_ROW);
  if (code != SQLITE_ROW && code != SQLITE_DONE)
    isNew = open.fault(code);
  open.insert.done();
  if (!isNew || *isNew)
    return isNew;
  open.find.bind(1, row.identity);
  ATTN_TRY(const std::vector<Row> there, rowsFrom(open, open.find));
  if (!there.empty() && !prevails(row, there.front()))
    return false;
  bind(open.replace, row);
  const int replaced = open.replace.step();
  rt::Result<bool> result(false);
  if (replaced != SQLITE_DONE)
    result = open.fault(replaced);
  open.replace.done();
  return result;
}

rt::Result<int64_t> attn_jit::store::putRows(RecordConnection &open,
                                             std::span<const Row> rows) {
  int64_t added = 0;
  while (!rows.empty()) {
    const auto part = rows.first(std::min(rows.size(), mostRows));
    ATTN_CHECK(open.run("BEGIN IMMEDIATE"));
    rt::Status status;
    for (const Row &row : part) {
      auto isNew = putOne(open, row);
      if (!isNew) {
        status = isNew.takeError();
        break;
      }
      added += *isNew;
    }
    if (status)
      status = open.run("COMMIT");
    if (!status) {
      // Some errors have rolled it back already: then this one says nothing.
      (void)open.run("ROLLBACK").ok();
      return status.takeError();
    }
    rows = rows.subspan(part.size());
  }
  return added;
}
