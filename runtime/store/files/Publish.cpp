// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/files/Publish.h"
#include "runtime/store/files/FileHandle.h"
#include "runtime/store/files/Random.h"

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

static bool fill(FileHandle &file, const std::string &path,
                 std::string_view bytes, mode_t mode) {
  // The mode is what was asked for, whatever the umask is.
  if (!file.writeAll(bytes) || fchmod(file.get(), mode) != 0)
    return false;
  reached(Step::Written, path);
  if (fsync(file.get()) != 0)
    return false;
  reached(Step::Synced, path);
  return file.closed();
}

/// A file of that folder which nobody else has; its name goes to `path`.
static FileHandle makeTemporary(const std::string &folder, std::string &path) {
  path = folder + "/" + randomHex(8);
  return FileHandle::open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
}

static rt::Error notWritten(const std::string &path,
                            const std::string &temporary) {
  rt::Error error = refused(path, "cannot be written");
  unlink(temporary.c_str());
  return error;
}

/// Whole and on the disk, under the name that is returned.
static rt::Result<std::string>
writeTemporary(const std::string &temporaryFolder, const std::string &path,
               std::string_view bytes, mode_t mode) {
  ATTN_CHECK(makeFolder(temporaryFolder));
  ATTN_CHECK(makeFolder(above(path)));
  std::string temporary;
  FileHandle file = makeTemporary(temporaryFolder, temporary);
  if (!file)
    return refused(path, "cannot be written");
  reached(Step::Made, path);
  if (!fill(file, path, bytes, mode))
    return notWritten(path, temporary);
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
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    return notWritten(path, temporary);
  reached(Step::Named, path);
  syncFolder(above(path));
  reached(Step::FolderSynced, path);
  return rt::success();
}

rt::Status attn_jit::store::replaceFile(const std::string &temporaryFolder,
                                        const std::string &path,
                                        std::string_view bytes) {
  std::string temporary;
  FileHandle file = makeTemporary(temporaryFolder, temporary);
  if (!file)
    return refused(path, "cannot be written");
  if (!file.writeAll(bytes) || !file.closed() ||
      std::rename(temporary.c_str(), path.c_str()) != 0)
    return notWritten(path, temporary);
  return rt::success();
}
