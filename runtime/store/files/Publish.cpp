// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/files/Publish.h"
#include "runtime/store/files/Random.h"
#include "runtime/store/files/StoredFile.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;

static std::atomic<StepObserver> observer = nullptr;

void attn_jit::store::observeSteps(StepObserver given) { observer = given; }

static void reached(Step step, const std::string &path) {
  if (StepObserver look = observer.load(std::memory_order_relaxed))
    look(step, path);
}

std::string_view attn_jit::store::name(Step step) {
  switch (step) {
  case Step::Made:
    return "made";
  case Step::Written:
    return "written";
  case Step::Synced:
    return "synced";
  case Step::Named:
    return "named";
  case Step::FolderSynced:
    return "folder synced";
  }
  return "";
}

static rt::Error refused(const std::string &path, const char *what) {
  return rt::failed(path + ": " + what + ": " + std::strerror(errno));
}

static void syncFolder(const std::string &path) {
  const int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0)
    return;
  fsync(folder);
  close(folder);
}

static std::string above(const std::string &path) {
  return path.substr(0, path.rfind('/'));
}

rt::Status attn_jit::store::makeFolder(const std::string &path) {
  if (mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST)
      return rt::success();
    if (errno != ENOENT)
      return refused(path, "cannot be made");
    if (above(path).empty())
      return refused(path, "cannot be made");
    ATTN_CHECK(makeFolder(above(path)));
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
      return refused(path, "cannot be made");
  }
  syncFolder(above(path));
  return rt::success();
}

rt::Result<bool> attn_jit::store::takeName(const std::string &from,
                                           const std::string &to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(),
                RENAME_NOREPLACE) == 0)
    return true;
  // Some file systems (NFS, some of FUSE) know no such flag, but links.
  if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) {
    if (link(from.c_str(), to.c_str()) == 0) {
      unlink(from.c_str());
      return true;
    }
    if (errno != EEXIST && std::rename(from.c_str(), to.c_str()) == 0)
      return true;
  }
  const bool taken = errno == EEXIST;
  rt::Error error = refused(to, "cannot be written");
  unlink(from.c_str());
  if (taken)
    return false;
  return error;
}

static rt::Status writeAll(int file, const std::string &path,
                           std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return refused(path, "cannot be written");
    bytes.remove_prefix(size_t(count));
  }
  return rt::success();
}

static rt::Status fill(int file, const std::string &path,
                       std::string_view bytes, mode_t mode) {
  ATTN_CHECK(writeAll(file, path, bytes));
  // Whatever the umask is.
  if (fchmod(file, mode) != 0)
    return refused(path, "cannot be written");
  reached(Step::Written, path);
  if (fsync(file) != 0)
    return refused(path, "cannot be written");
  reached(Step::Synced, path);
  return rt::success();
}

/// A file of that folder which nobody else has; its name goes to `path`.
static int makeTemporary(const std::string &folder, std::string &path) {
  path = folder + "/" + randomHex(8);
  return open(path.c_str(),
              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/// Whole and on the disk, under the name that is returned.
static rt::Result<std::string>
writeTemporary(const std::string &temporaryFolder, const std::string &path,
               std::string_view bytes, mode_t mode) {
  ATTN_CHECK(makeFolder(temporaryFolder));
  ATTN_CHECK(makeFolder(above(path)));
  std::string temporary;
  const int file = makeTemporary(temporaryFolder, temporary);
  if (file < 0)
    return refused(path, "cannot be written");
  reached(Step::Made, path);
  rt::Status filled = fill(file, path, bytes, mode);
  // Some file systems say only here that there was no room.
  if (close(file) != 0 && filled)
    filled = refused(path, "cannot be written");
  if (!filled) {
    unlink(temporary.c_str());
    return filled.takeError();
  }
  return temporary;
}

rt::Result<Published>
attn_jit::store::publishFile(const std::string &temporaryFolder,
                             const std::string &path, std::string_view bytes,
                             mode_t mode) {
  ATTN_TRY(const std::string temporary,
           writeTemporary(temporaryFolder, path, bytes, mode));
  ATTN_TRY(const bool mine, takeName(temporary, path));
  if (mine)
    reached(Step::Named, path);
  // What somebody else has named is made to last as well.
  syncFolder(above(path));
  if (mine)
    reached(Step::FolderSynced, path);
  return Published{mine};
}

rt::Status attn_jit::store::republishFile(const std::string &temporaryFolder,
                                          const std::string &path,
                                          std::string_view bytes, mode_t mode) {
  ATTN_TRY(const std::string temporary,
           writeTemporary(temporaryFolder, path, bytes, mode));
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    rt::Error error = refused(path, "cannot be written");
    unlink(temporary.c_str());
    return error;
  }
  reached(Step::Named, path);
  syncFolder(above(path));
  reached(Step::FolderSynced, path);
  return rt::success();
}

rt::Status attn_jit::store::replaceFile(const std::string &temporaryFolder,
                                        const std::string &path,
                                        std::string_view bytes) {
  std::string temporary;
  const int file = makeTemporary(temporaryFolder, temporary);
  if (file < 0)
    return refused(path, "cannot be written");
  rt::Status done = writeAll(file, path, bytes);
  if (close(file) != 0 && done)
    done = refused(path, "cannot be written");
  if (done && std::rename(temporary.c_str(), path.c_str()) != 0)
    done = refused(path, "cannot be written");
  if (!done)
    unlink(temporary.c_str());
  return done;
}
