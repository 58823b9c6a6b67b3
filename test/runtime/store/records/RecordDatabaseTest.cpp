// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What only SQLite can meet: corrupt files, other versions of the program,
// folders where its log cannot be.
#include "test/runtime/store/records/TestRecords.h"

#include <grp.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace attn_jit::store;
using namespace attn_jit::store::test;

namespace {
class RecordDatabase : public testing::Test {
protected:
  TestFolder folder;
  std::string path = folder.path + "/v1/records.sqlite";

  void fill(int count) {
    auto added = opened(folder.root())->add(manyOf(1, count));
    ASSERT_TRUE(added) << added.error().text;
  }
  int64_t count(RecordStore &store) {
    auto found = store.count();
    EXPECT_TRUE(found) << found.error().text;
    return found ? *found : -1;
  }
  size_t quarantined() {
    size_t databases = 0;
    std::error_code none;
    for (const auto &each : std::filesystem::directory_iterator(
             folder.path + "/v1/quarantine", none))
      databases += each.path().extension() == ".sqlite";
    return databases;
  }
  /// As another program would.
  int64_t sql(const char *text) {
    sqlite3 *database = nullptr;
    EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
    int64_t result = 0;
    char *error = nullptr;
    sqlite3_exec(
        database, text,
        [](void *into, int, char **values, char **) {
          *static_cast<int64_t *>(into) = values[0] ? atoll(values[0]) : 0;
          return 0;
        },
        &result, &error);
    EXPECT_EQ(error, nullptr) << error;
    sqlite3_free(error);
    sqlite3_close(database);
    return result;
  }
};
} // namespace

TEST_F(RecordDatabase, IsWhatTheDocumentSays) {
  fill(3);
  EXPECT_EQ(sql("PRAGMA user_version"), 1);
  EXPECT_EQ(sql("SELECT count(*) FROM records WHERE voice = 0 AND origin = ''"
                " AND length(identity) = 32 AND length(problem) = 32"),
            3);
  sqlite3 *database = nullptr;
  sqlite3_stmt *query = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(
      sqlite3_prepare_v2(database, "PRAGMA journal_mode", -1, &query, nullptr),
      SQLITE_OK);
  ASSERT_EQ(sqlite3_step(query), SQLITE_ROW);
  EXPECT_STREQ(reinterpret_cast<const char *>(sqlite3_column_text(query, 0)),
               "wal");
  sqlite3_finalize(query);
  sqlite3_close(database);
}

TEST_F(RecordDatabase, CorruptAtTheFirstLookIsSetAside) {
  fill(10);
  setContent(path, "this is no database, and never was one at all");
  const auto store = opened(folder.root());
  EXPECT_EQ(count(*store), 0);
  EXPECT_EQ(store->faults().databases, 1);
  EXPECT_EQ(quarantined(), 1u);
  ASSERT_TRUE(store->add(manyOf(1, 4)));
  EXPECT_EQ(count(*opened(folder.root())), 4);
}

// Every page behind the first is ruined, or the file ends early.
TEST_F(RecordDatabase, CorruptInsideIsSetAside) {
  for (bool cut : {false, true}) {
    fill(400);
    std::string bytes = contentOf(path);
    ASSERT_GT(bytes.size(), size_t(20) * 4096);
    if (cut)
      bytes.resize(bytes.size() / 2);
    else
      std::fill(bytes.begin() + 4096, bytes.end(), '\x5a');
    setContent(path, bytes);
    const size_t before = quarantined();
    const auto store = opened(folder.root());
    auto found = store->ofProblem(problemKey(1).digest());
    ASSERT_TRUE(found) << found.error().text;
    auto added = store->add(manyOf(1, 400));
    ASSERT_TRUE(added) << added.error().text;
    EXPECT_EQ(store->ofProblem(problemKey(1).digest())->size(), 400u);
    EXPECT_EQ(store->faults().databases, 1) << cut;
    EXPECT_EQ(quarantined(), before + 1);
  }
}

TEST_F(RecordDatabase, ManyMeetOneCorruptFile) {
  fill(10);
  setContent(path, std::string(8192, 'x'));
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      auto added = opened(folder.root())->add(manyOf(1, 10, 10 * i));
      _exit(!added || *added != 10);
    }
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(quarantined(), 1u);
  EXPECT_EQ(count(*opened(folder.root())), 60);
}

// A digit that was flipped gives another record, which nobody measured.
TEST_F(RecordDatabase, RowsThatAreNotWhatWasStoredAreLeftOut) {
  fill(5);
  sql("UPDATE records SET line = replace(line, '\"median_ns\":41802', "
      "'\"median_ns\":11802')");
  sql("UPDATE records SET line = 'nonsense' WHERE line LIKE "
      "'%\"median_ns\":41803%'");
  sql("UPDATE records SET voice = 9 WHERE line LIKE '%\"median_ns\":41804%'");
  const auto store = opened(folder.root());
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(store->ofProblem(problemKey(1).digest())->size(), 2u);
    EXPECT_EQ(linesOf(*store).size(), 2u);
    EXPECT_EQ(store->faults().lines, 2);
  }
  // What is measured again heals them.
  ASSERT_TRUE(store->add(manyOf(1, 5)));
  EXPECT_EQ(store->ofProblem(problemKey(1).digest())->size(), 5u);
}

TEST_F(RecordDatabase, LaterVersionsShareTheFile) {
  fill(3);
  sql("ALTER TABLE records ADD COLUMN cold INTEGER NOT NULL DEFAULT 7;"
      "CREATE TABLE leases (name TEXT); PRAGMA user_version = 4;");
  const auto store = opened(folder.root());
  EXPECT_EQ(count(*store), 3);
  auto added = store->add(manyOf(1, 5));
  ASSERT_TRUE(added) << added.error().text;
  EXPECT_EQ(*added, 2);
  EXPECT_EQ(sql("PRAGMA user_version"), 4);
  EXPECT_EQ(sql("SELECT sum(cold) FROM records"), 35);
}

// A later version's lines of another format stay, and are no records here.
TEST_F(RecordDatabase, LinesOfAnotherFormatStay) {
  fill(1);
  sql("INSERT INTO records (identity, problem, voice, origin, line) SELECT "
      "zeroblob(32), problem, 0, '', '{\"format\":\"attn-jit.record.v2\"}' "
      "FROM records");
  const auto store = opened(folder.root());
  EXPECT_EQ(store->ofProblem(problemKey(1).digest())->size(), 1u);
  EXPECT_EQ(store->faults().lines, 1);
  EXPECT_EQ(sql("SELECT count(*) FROM records WHERE line LIKE '%record.v2%'"),
            1);
}

TEST_F(RecordDatabase, AWriterThatHoldsItTooLongIsATimeout) {
  fill(1);
  sqlite3 *other = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr),
            SQLITE_OK);
  const auto store = opened(folder.root());
  // Readers do not wait for a writer.
  EXPECT_EQ(count(*store), 1);
  auto added = store->add(manyOf(1, 1, 1));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, attn_jit::rt::ErrorCode::Timeout);
  EXPECT_NE(added.error().text.find("records.sqlite: database is locked"),
            std::string::npos)
      << added.error().text;
  sqlite3_close(other);
  EXPECT_EQ(*store->add(manyOf(1, 1, 1)), 1);
}

// For a user who can write neither the file nor its folder, with the log of a
// writer that was killed, and without one.
TEST_F(RecordDatabase, IsReadWhereNothingCanBeWritten) {
  if (getuid() != 0)
    GTEST_SKIP() << "only root can become another user";
  for (bool killed : {false, true}) {
    const pid_t writer = fork();
    if (writer == 0) {
      auto store = opened(folder.root());
      auto added = store->add(manyOf(1, 3, killed ? 3 : 0));
      if (killed)
        kill(getpid(), SIGKILL);
      store.reset();
      _exit(!added);
    }
    int status = 0;
    waitpid(writer, &status, 0);
    EXPECT_EQ(std::filesystem::exists(path + "-wal"), killed);
    for (const char *each :
         {"", "/v1", "/v1/records.sqlite", "/v1/records.sqlite-wal",
          "/v1/records.sqlite-shm"})
      chmod((folder.path + each).c_str(), 0555);
    const pid_t reader = fork();
    if (reader == 0) {
      if (setgroups(0, nullptr) != 0 || setgid(65534) != 0 ||
          setuid(65534) != 0 || access(path.c_str(), W_OK) == 0)
        _exit(2);
      const auto store = opened(folder.root(false, true));
      EXPECT_EQ(count(*store), killed ? 6 : 3);
      auto found = store->ofProblem(problemKey(1).digest());
      EXPECT_TRUE(found) << found.error().text;
      EXPECT_EQ(found->size(), killed ? 6u : 3u);
      fflush(stdout);
      _exit(HasFailure());
    }
    waitpid(reader, &status, 0);
    EXPECT_EQ(status, 0);
    for (const char *each : {"", "/v1"})
      chmod((folder.path + each).c_str(), 0700);
  }
}

TEST_F(RecordDatabase, CorruptAndReadOnlyIsNone) {
  fill(3);
  setContent(path, std::string(8192, 'x'));
  const auto store = opened(folder.root(false, true));
  EXPECT_EQ(count(*store), 0);
  EXPECT_EQ(count(*store), 0);
  EXPECT_EQ(store->faults().databases, 1);
  EXPECT_EQ(contentOf(path), std::string(8192, 'x'));
  EXPECT_EQ(quarantined(), 0u);
}

// A folder that is a file: an error of one line, not a crash.
TEST_F(RecordDatabase, WhatIsInTheWayIsNamed) {
  setContent(folder.path + "/v1", "");
  const auto store = opened(folder.root());
  auto added = store->add(manyOf(1, 1));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().text.find("records: " + folder.path + "/v1"), 0u)
      << added.error().text;
}
