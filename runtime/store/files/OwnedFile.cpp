// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A path is walked one name at a time, each opened in the folder before it
// without following links; a link's text is then walked by the same rules, so
// that a folder which only holds a link is looked at too.
#include "runtime/store/files/OwnedFile.h"

#include "runtime/Printable.h"
#include "runtime/store/files/Random.h"

#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace attn_jit;
using namespace attn_jit::store;

namespace {

/// What Linux follows before it says ELOOP.
constexpr int mostLinks = 40;

std::string said(const std::string &path) { return rt::printable(path, 200); }

rt::Error refused(const std::string &path, const std::string &why) {
  return rt::badInput(said(path) + ": " + why);
}

rt::Error failedCall(const std::string &path, const char *what) {
  const int error = errno;
  std::string text = said(path) + ": " + what + ": " + std::strerror(error);
  return error == ENOENT ? rt::notFound(std::move(text))
                         : rt::badInput(std::move(text));
}

/// Why what is behind `path` is not believed; empty: it is.
std::string distrusted(const struct stat &known) {
  if (known.st_uid != geteuid() && known.st_uid != 0)
    return "belongs to another user (uid " + std::to_string(known.st_uid) +
           "), not to this one or to root";
  const bool sticky = S_ISDIR(known.st_mode) && (known.st_mode & S_ISVTX);
  if ((known.st_mode & (S_IWGRP | S_IWOTH)) && !sticky &&
      !S_ISLNK(known.st_mode))
    return "is writable by others: chmod go-w it";
  return {};
}

/// The names of `path` in reverse, so that the next one is the last.
std::vector<std::string> namesOf(std::string_view path) {
  std::vector<std::string> names;
  while (!path.empty()) {
    const size_t slash = path.rfind('/');
    const size_t begin = slash == path.npos ? 0 : slash + 1;
    if (begin < path.size())
      names.emplace_back(path.substr(begin));
    path = path.substr(0, slash == path.npos ? 0 : slash);
  }
  return names;
}

class Walk {
public:
  explicit Walk(bool create) : create(create) {}

  /// `folder` is absolute.
  rt::Result<FileHandle> to(const std::string &folder) {
    ATTN_CHECK(begin());
    std::vector<std::string> names = namesOf(folder);
    for (int links = 0; !names.empty();) {
      const std::string name = std::move(names.back());
      names.pop_back();
      ATTN_TRY(const std::string link, step(name));
      if (link.empty())
        continue;
      if (++links > mostLinks)
        return refused(folder, "has too many links on its path");
      if (link.starts_with('/'))
        ATTN_CHECK(begin());
      for (std::string &each : namesOf(link))
        names.insert(names.end(), std::move(each));
    }
    // O_PATH descriptors cannot be locked or synced.
    FileHandle real = at.openAt(".", O_RDONLY | O_DIRECTORY);
    if (!real)
      return failedCall(folder, "cannot be read");
    return real;
  }

private:
  rt::Status begin() {
    where = "/";
    at = FileHandle::open(where, O_PATH | O_DIRECTORY);
    return look(at);
  }

  rt::Status look(const FileHandle &file) {
    struct stat known;
    if (!file || fstat(file.get(), &known) != 0)
      return failedCall(where, "cannot be read");
    isLink = S_ISLNK(known.st_mode);
    if (!isLink && !S_ISDIR(known.st_mode))
      return refused(where, "is no folder");
    const std::string why = distrusted(known);
    return why.empty() ? rt::success() : refused(where, why);
  }

  /// Into the folder `name`; or, of a link, its text, and stays.
  rt::Result<std::string> step(const std::string &name) {
    const std::string before = where;
    where += (where.ends_with('/') ? "" : "/") + name;
    FileHandle next = at.openAt(name, O_PATH);
    if (!next && errno == ENOENT && create) {
      if (mkdirat(at.get(), name.c_str(), 0700) != 0 && errno != EEXIST)
        return failedCall(where, "cannot be made");
      next = at.openAt(name, O_PATH);
    }
    ATTN_CHECK(look(next));
    if (!isLink) {
      at = std::move(next);
      return std::string();
    }
    char text[PATH_MAX];
    const ssize_t length = readlinkat(next.get(), "", text, sizeof text);
    if (length <= 0 || size_t(length) == sizeof text)
      return refused(where, "is a link that cannot be read");
    where = before;
    return std::string(text, size_t(length));
  }

  bool create, isLink = false;
  std::string where;
  FileHandle at;
};

} // namespace

OwnedFolder::OwnedFolder(std::string given, FileHandle folder)
    : path(std::move(given)), name(path.substr(path.rfind('/') + 1)),
      folder(std::move(folder)) {}

rt::Result<OwnedFolder> OwnedFolder::of(const std::string &path, bool create) {
  const size_t slash = path.rfind('/');
  if (path.empty() || slash + 1 == path.size())
    return refused(path, "is no name of a file");
  std::string folder = slash == path.npos ? "" : path.substr(0, slash + 1);
  if (!folder.starts_with('/')) {
    char current[PATH_MAX];
    if (!getcwd(current, sizeof current))
      return failedCall(path, "the folder it starts from cannot be told");
    folder = std::string(current) + "/" + folder;
  }
  ATTN_TRY(FileHandle opened, Walk(create).to(folder));
  return OwnedFolder(path, std::move(opened));
}

rt::Result<std::string> OwnedFolder::read(const Rules &rules) const {
  // Without O_NONBLOCK a pipe under this name would be waited for.
  const FileHandle file = folder.openAt(name, O_RDONLY | O_NONBLOCK);
  if (!file && errno == ELOOP)
    return refused(path, "is a link, which is not followed here");
  struct stat known;
  if (!file || fstat(file.get(), &known) != 0)
    return failedCall(path, "cannot be read");
  if (!S_ISREG(known.st_mode))
    return refused(path, "is no regular file");
  if (const std::string why = distrusted(known); !why.empty())
    return refused(path, why);
  if (rules.secret && (known.st_mode & (S_IRWXG | S_IRWXO)))
    return refused(path, "can be read by others: chmod 600 it");
  if (uint64_t(known.st_size) > rules.mostBytes)
    return refused(path, "is larger than " + std::to_string(rules.mostBytes) +
                             " bytes");
  auto bytes = file.readAll(rules.mostBytes);
  if (!bytes)
    return refused(path, bytes.error().text);
  return bytes;
}

rt::Result<std::string> OwnedFolder::writeTemporary(std::string_view bytes,
                                                    mode_t mode) const {
  std::string temporary = ".attn-jit-" + randomHex(8) + ".tmp";
  if (!folder.makeSynced(temporary, bytes, mode))
    return failedCall(path, "cannot be written");
  return temporary;
}

rt::Status OwnedFolder::replace(std::string_view bytes) const {
  struct stat known;
  const bool there =
      fstatat(folder.get(), name.c_str(), &known, AT_SYMLINK_NOFOLLOW) == 0;
  ATTN_TRY(const std::string temporary,
           writeTemporary(bytes, there ? known.st_mode & 0755 : 0644));
  if (renameat(folder.get(), temporary.c_str(), folder.get(), name.c_str()) !=
      0) {
    rt::Error error = failedCall(path, "cannot be written");
    unlinkat(folder.get(), temporary.c_str(), 0);
    return error;
  }
  // The new file is there; what the folder's sync says changes nothing of that.
  (void)fsync(folder.get());
  return rt::success();
}

rt::Status OwnedFolder::make(std::string_view bytes, mode_t mode) const {
  ATTN_TRY(const std::string temporary, writeTemporary(bytes, mode));
  // A second name, unlike a rename, never takes one that is there.
  const bool made = linkat(folder.get(), temporary.c_str(), folder.get(),
                           name.c_str(), 0) == 0;
  rt::Error error = made ? rt::Error()
                    : errno == EEXIST
                        ? refused(path, "exists already and is kept")
                        : failedCall(path, "cannot be written");
  unlinkat(folder.get(), temporary.c_str(), 0);
  if (!made)
    return error;
  (void)fsync(folder.get());
  return rt::success();
}

void OwnedFolder::lock() const {
  while (flock(folder.get(), LOCK_EX) != 0 && errno == EINTR)
    ;
}

rt::Result<std::string>
attn_jit::store::readOwnedFile(const std::string &path,
                               const OwnedFolder::Rules &rules) {
  ATTN_TRY(const OwnedFolder folder, OwnedFolder::of(path));
  return folder.read(rules);
}
