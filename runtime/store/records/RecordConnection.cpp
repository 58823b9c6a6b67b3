// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The schema's version is user_version. A later one only adds tables, and
// columns with defaults, so this program reads and writes such a file as it
// does its own; anything else would get another file name.
#include "runtime/store/records/RecordConnection.h"

#include <sys/stat.h>

using namespace attn_jit;
using namespace attn_jit::store;

/// What others may hold the database for; they do for milliseconds.
static constexpr int busyMilliseconds = 5000;

// Rows lie in the order in which they came, mostly problem by problem; lines of
// a kilobyte would overflow the pages of a table that is sorted by a digest.
// voice: 0 own, 1 bundled, 2 foreign.
static constexpr const char *schema =
    "CREATE TABLE records (number INTEGER PRIMARY KEY,"
    " identity BLOB NOT NULL UNIQUE, problem BLOB NOT NULL,"
    " voice INTEGER NOT NULL, origin TEXT NOT NULL, line TEXT NOT NULL);"
    "CREATE INDEX records_by_problem ON records (problem, identity);"
    "PRAGMA user_version = 1;";

#define ATTN_COLUMNS                                                           \
  "SELECT identity, problem, voice, origin, line FROM records"

FileIdentity attn_jit::store::fileAt(const std::string &path) {
  struct stat known;
  if (stat(path.c_str(), &known) != 0)
    return {};
  return {known.st_dev, known.st_ino};
}

int Statement::prepare(sqlite3 *database, const char *text) {
  return sqlite3_prepare_v3(database, text, -1, SQLITE_PREPARE_PERSISTENT,
                            &handle, nullptr);
}

void Statement::bind(int place, std::string_view text) {
  sqlite3_bind_text64(handle, place, text.data(), text.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
}

void Statement::bind(int place, const Digest &digest) {
  sqlite3_bind_blob(handle, place, digest.bytes.data(),
                    int(digest.bytes.size()), SQLITE_STATIC);
}

void Statement::bind(int place, int64_t number) {
  sqlite3_bind_int64(handle, place, number);
}

void Statement::done() {
  sqlite3_reset(handle);
  sqlite3_clear_bindings(handle);
}

std::string_view Statement::text(int column) const {
  const void *bytes = sqlite3_column_blob(handle, column);
  return {static_cast<const char *>(bytes),
          size_t(sqlite3_column_bytes(handle, column))};
}

std::optional<Digest> Statement::digest(int column) const {
  const std::string_view bytes = text(column);
  Digest digest;
  if (bytes.size() != digest.bytes.size())
    return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), digest.bytes.begin());
  return digest;
}

int64_t Statement::number(int column) const {
  return sqlite3_column_int64(handle, column);
}

rt::Error RecordConnection::fault(int code) {
  const int kind = code & 0xff;
  isCorrupt |= kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB;
  const std::string text =
      "records: " + path + ": " +
      (database ? sqlite3_errmsg(database) : sqlite3_errstr(code));
  if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED)
    return {rt::ErrorCode::Timeout, text, {}};
  return rt::failed(text);
}

rt::Status RecordConnection::run(const char *sql) {
  const int code = sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? rt::success() : rt::Status(fault(code));
}

rt::Result<int64_t> RecordConnection::pragma(const char *name) {
  Statement statement;
  int code =
      statement.prepare(database, ("PRAGMA " + std::string(name)).c_str());
  if (code == SQLITE_OK)
    code = statement.step();
  if (code != SQLITE_ROW)
    return fault(code);
  return statement.number(0);
}

rt::Status RecordConnection::prepare(Mode mode) {
  sqlite3_busy_timeout(database, busyMilliseconds);
  ATTN_TRY(int64_t version, pragma("user_version"));
  if (mode == Mode::Write) {
    // What a kill leaves is whole; a power cut may cost the last transactions.
    // A merge of 1000 touches as many pages of the index by identity: they stay
    // in memory till its end, and not each merge folds the log.
    ATTN_CHECK(run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                   "PRAGMA cache_size = -16384;"
                   "PRAGMA wal_autocheckpoint = 4000"));
    if (version == 0) {
      ATTN_CHECK(run("BEGIN IMMEDIATE"));
      ATTN_CHECK(run(schema));
      ATTN_CHECK(run("COMMIT"));
    }
  } else if (version == 0) {
    return rt::notFound("records: " + path + ": it holds none yet");
  }
  const std::pair<Statement &, const char *> statements[] = {
      {insert, "INSERT INTO records (identity, problem, voice, origin, line)"
               " VALUES (?1, ?2, ?3, ?4, ?5)"
               " ON CONFLICT (identity) DO NOTHING RETURNING 1"},
      {find, ATTN_COLUMNS " WHERE identity = ?1"},
      {replace, "UPDATE records SET problem = ?2, voice = ?3, origin = ?4,"
                " line = ?5 WHERE identity = ?1"},
      {ofProblem, ATTN_COLUMNS " WHERE problem = ?1 ORDER BY identity"},
      {first, ATTN_COLUMNS " ORDER BY identity LIMIT ?1"},
      {next, ATTN_COLUMNS " WHERE identity > ?2 ORDER BY identity LIMIT ?1"},
      // One step in the index a problem, however many records it has.
      {problems,
       "WITH RECURSIVE walk(problem) AS (SELECT min(problem) FROM records "
       "UNION ALL SELECT (SELECT min(problem) FROM records WHERE problem > "
       "walk.problem) FROM walk WHERE walk.problem IS NOT NULL) "
       "SELECT problem FROM walk WHERE problem IS NOT NULL"},
      {count, "SELECT count(*) FROM records"}};
  for (const auto &[statement, text] : statements)
    if (int code = statement.prepare(database, text); code != SQLITE_OK)
      return fault(code);
  return rt::success();
}

/// As sqlite.org/uri.html wants it.
static std::string uriOf(const std::string &path, const char *query) {
  std::string uri = "file:";
  for (char c : path)
    if (c == '%' || c == '?' || c == '#')
      uri += c == '%' ? "%25" : c == '?' ? "%3f" : "%23";
    else
      uri += c;
  return uri + query;
}

rt::Result<std::unique_ptr<RecordConnection>>
RecordConnection::open(const std::string &path, Mode mode, bool &corrupt) {
  struct Way {
    const char *query;
    int flags;
  };
  constexpr Way write{"?mode=rwc", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE};
  constexpr Way read{"?mode=ro", SQLITE_OPEN_READONLY};
  // Where the log's index can be neither read nor made there is no writer, and
  // if there is no log either the file is all there is.
  constexpr Way still{"?immutable=1", SQLITE_OPEN_READONLY};
  auto attempt =
      [&](const Way &way) -> rt::Result<std::unique_ptr<RecordConnection>> {
    std::unique_ptr<RecordConnection> made(new RecordConnection);
    made->path = path;
    const int code = sqlite3_open_v2(
        uriOf(path, way.query).c_str(), &made->database,
        way.flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
    const rt::Status status =
        code == SQLITE_OK ? made->prepare(mode) : made->fault(code);
    corrupt = made->isCorrupt;
    if (!status)
      return status.error();
    made->opened = fileAt(path);
    return made;
  };
  if (mode == Mode::Write)
    return attempt(write);
  auto made = attempt(read);
  struct stat log;
  if (made || corrupt || made.error().code != rt::ErrorCode::Failed ||
      (stat((path + "-wal").c_str(), &log) == 0 && log.st_size != 0))
    return made;
  return attempt(still);
}

void RecordConnection::closeQuickly() {
  sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

RecordConnection::~RecordConnection() {
  // Statements end after this: the handle lives on until they have.
  sqlite3_close_v2(database);
}
