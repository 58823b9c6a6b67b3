// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One connection to v1/records.sqlite with its prepared statements. Knows how
// the file is opened and made; RecordTable.cpp fills and reads it,
// RecordDatabase.cpp opens it anew where it must be.
#ifndef ATTN_JIT_RUNTIME_STORE_RECORDCONNECTION_H
#define ATTN_JIT_RUNTIME_STORE_RECORDCONNECTION_H

#include "runtime/store/records/RecordRows.h"

#include <sqlite3.h>
#include <sys/types.h>

namespace attn_jit::store {

/// Which file a path names: another one may take the name.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0; ///< 0: there is none
  bool operator==(const FileIdentity &) const = default;
};
FileIdentity fileAt(const std::string &path);

/// A prepared statement, reset at the end of each use.
class Statement {
public:
  Statement() = default;
  Statement(const Statement &) = delete;
  Statement &operator=(const Statement &) = delete;
  ~Statement() { sqlite3_finalize(handle); }

  int prepare(sqlite3 *database, const char *text);
  /// Bytes stay the caller's until done().
  void bind(int place, std::string_view text);
  void bind(int place, const Digest &digest);
  void bind(int place, int64_t number);
  int step() { return sqlite3_step(handle); }
  void done();

  std::string_view text(int column) const;
  std::optional<Digest> digest(int column) const;
  int64_t number(int column) const;

private:
  sqlite3_stmt *handle = nullptr;
};

class RecordConnection {
public:
  enum class Mode { Write, Read };
  /// `corrupt` says whether the error is of the file's content.
  static rt::Result<std::unique_ptr<RecordConnection>>
  open(const std::string &path, Mode mode, bool &corrupt);
  RecordConnection(const RecordConnection &) = delete;
  RecordConnection &operator=(const RecordConnection &) = delete;
  ~RecordConnection();

  /// An error of the last call, from what SQLite returned.
  rt::Error fault(int code);
  rt::Status run(const char *sql);
  bool corrupt() const { return isCorrupt; }
  const FileIdentity &file() const { return opened; }
  /// Closes without folding the log into the database, which would take long:
  /// the next connection goes on with it.
  void closeQuickly();

  Statement insert, find, replace, ofProblem, problems, first, next, count;

private:
  RecordConnection() = default;
  rt::Status prepare(Mode mode);
  rt::Result<int64_t> pragma(const char *name);

  std::string path;
  sqlite3 *database = nullptr;
  FileIdentity opened;
  bool isCorrupt = false;
};

/// All rows of one of its statements, which is bound; one whose columns are
/// none of this program's is left out.
rt::Result<std::vector<Row>> rowsFrom(RecordConnection &open,
                                      Statement &statement);
rt::Result<std::vector<Digest>> problemsIn(RecordConnection &open);
/// How many were new.
rt::Result<int64_t> putRows(RecordConnection &open, std::span<const Row> rows);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_RECORDCONNECTION_H
