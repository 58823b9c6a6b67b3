// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Records in SQLite, on a local disk. The file is opened at the first call,
// again after a fork, and again where another one has taken its name (its
// folder was removed, or another process set a corrupt one aside): what was
// written into a file without a name is written again.
#include "runtime/store/files/FileHandle.h"
#include "runtime/store/files/Fork.h"
#include "runtime/store/files/Publish.h"
#include "runtime/store/files/Random.h"
#include "runtime/store/records/RecordConnection.h"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;

namespace {

class RecordDatabase final : public RowStore, ForkAware {
public:
  explicit RecordDatabase(const CacheRoot &root);
  ~RecordDatabase() override;

private:
  rt::Result<int64_t> put(std::span<const Row> rows) override;
  rt::Result<std::vector<Row>> rowsOf(const Digest &problem) override;
  rt::Result<std::vector<Row>> rowsAfter(const Digest *after,
                                         size_t most) override;
  rt::Result<std::vector<Digest>> problemsThere() override;
  rt::Result<int64_t> rowCount() override;
  void beforeFork() override;

  /// Opened, or null: a read-only folder has none that can be read.
  rt::Result<RecordConnection *> ready();
  rt::Status openToWrite();
  rt::Status setAside(const FileIdentity &which);
  /// `work` on a connection, once more on a new file if this one is corrupt.
  template <typename T, typename Work> rt::Result<T> with(Work work);

  std::string root, folder, path;
  bool readOnly;
  pid_t process = 0;
  std::unique_ptr<RecordConnection> connection;
};

} // namespace

/// v1/records.lock, held while it is open: who makes a database or sets one
/// aside does it alone.
static rt::Result<FileHandle> lockFolder(const std::string &folder) {
  const std::string path = folder + "/records.lock";
  auto lock = FileHandle::open(path, O_RDWR | O_CREAT, 0600);
  if (!lock)
    return systemError(path, "cannot be made");
  for (int waited = 0; flock(lock.get(), LOCK_EX | LOCK_NB) != 0; ++waited) {
    if ((errno != EWOULDBLOCK && errno != EINTR) || waited == 5000)
      return systemError(path, "cannot be locked");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return lock;
}

RecordDatabase::RecordDatabase(const CacheRoot &root)
    : root(root.path), folder(root.path + "/v1"),
      path(folder + "/records.sqlite"), readOnly(root.readOnly) {
  const StoreLock lock;
  const auto guard = noFork();
  enlist();
}

RecordDatabase::~RecordDatabase() {
  const StoreLock lock;
  connection.reset();
  const auto guard = noFork();
  leave();
}

void RecordDatabase::beforeFork() {
  if (connection)
    connection->closeQuickly();
  connection.reset();
}

rt::Status RecordDatabase::setAside(const FileIdentity &which) {
  ATTN_TRY(const FileHandle lock, lockFolder(folder));
  if (fileAt(path) != which)
    return rt::success(); // somebody else did
  const std::string quarantine = folder + "/quarantine";
  ATTN_CHECK(makeFolder(quarantine));
  const std::string name = quarantine + "/records-" + randomHex(8) + ".sqlite";
  // The database last: beside a new one its log would be taken for the new
  // one's.
  for (const char *part : {"-wal", "-shm", ""})
    if (std::rename((path + part).c_str(), (name + part).c_str()) != 0 &&
        errno != ENOENT)
      return systemError(path, "cannot be set aside");
  ++met.databases;
  return rt::success();
}

rt::Status RecordDatabase::openToWrite() {
  for (bool again = true;; again = false) {
    const FileIdentity before = fileAt(path);
    bool corrupt = false;
    {
      ATTN_TRY(const FileHandle lock, lockFolder(folder));
      auto made =
          RecordConnection::open(path, RecordConnection::Mode::Write, corrupt);
      if (made)
        connection = std::move(*made);
      else if (!corrupt || !again)
        return made.takeError();
    }
    if (!corrupt)
      return rt::success();
    ATTN_CHECK(setAside(before));
  }
}

rt::Result<RecordConnection *> RecordDatabase::ready() {
  // Past our handlers (a bare clone) a connection comes along whose locks are
  // the parent's: it may be neither used nor closed.
  if (connection && process != getpid())
    return rt::unsupported("records: " + path +
                           ": opened by a process of which this is a copy");
  if (connection && connection->file() == fileAt(path))
    return connection.get();
  connection.reset();
  if (readOnly) {
    bool corrupt = false;
    auto made =
        RecordConnection::open(path, RecordConnection::Mode::Read, corrupt);
    if (made)
      connection = std::move(*made);
    else if (!corrupt && fileAt(path).inode != 0 &&
             made.error().code != rt::ErrorCode::NotFound)
      return made.takeError();
    met.databases = std::max<int64_t>(met.databases, corrupt);
  } else {
    ATTN_CHECK(makeFolder(root));
    ATTN_CHECK(makeFolder(folder));
    ATTN_CHECK(openToWrite());
  }
  process = getpid();
  return connection.get();
}

template <typename T, typename Work>
rt::Result<T> RecordDatabase::with(Work work) {
  for (int attempt = 0;; ++attempt) {
    ATTN_TRY(RecordConnection *const open, ready());
    if (!open)
      return T();
    rt::Result<T> result = work(*open);
    // What went into a file that has lost its name meanwhile is not kept.
    const bool moved = fileAt(path) != open->file();
    if (attempt == 2 || (!moved && !open->corrupt()))
      return result;
    const FileIdentity which = open->file();
    const bool corrupt = open->corrupt();
    connection.reset();
    if (corrupt && readOnly) {
      met.databases = 1;
      return T();
    }
    if (corrupt)
      ATTN_CHECK(setAside(which));
  }
}

rt::Result<int64_t> RecordDatabase::put(std::span<const Row> rows) {
  if (readOnly)
    return rt::unsupported("records: " + path + ": the folder is read-only");
  return with<int64_t>(
      [&](RecordConnection &open) { return putRows(open, rows); });
}

rt::Result<std::vector<Row>> RecordDatabase::rowsOf(const Digest &problem) {
  return with<std::vector<Row>>([&](RecordConnection &open) {
    open.ofProblem.bind(1, problem);
    return rowsFrom(open, open.ofProblem);
  });
}

rt::Result<std::vector<Row>> RecordDatabase::rowsAfter(const Digest *after,
                                                       size_t most) {
  return with<std::vector<Row>>([&](RecordConnection &open) {
    Statement &statement = after ? open.next : open.first;
    statement.bind(1, int64_t(most));
    if (after)
      statement.bind(2, *after);
    return rowsFrom(open, statement);
  });
}

rt::Result<std::vector<Digest>> RecordDatabase::problemsThere() {
  return with<std::vector<Digest>>(
      [](RecordConnection &open) { return problemsIn(open); });
}

rt::Result<int64_t> RecordDatabase::rowCount() {
  return with<int64_t>([&](RecordConnection &open) -> rt::Result<int64_t> {
    const int code = open.count.step();
    rt::Result<int64_t> result(open.count.number(0));
    if (code != SQLITE_ROW)
      result = open.fault(code);
    open.count.done();
    return result;
  });
}

std::unique_ptr<RecordStore>
attn_jit::store::openDatabase(const CacheRoot &root) {
  return std::make_unique<RecordDatabase>(root);
}
