// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A path is walked one name at a time, each opened in the folder before it
// without following links; a link's text is then walked by the same rules, so
// that a folder which only holds a link is looked at too.
#include "runtime/store/files/OwnedFile.h"

#include "runtime/Printable.h"

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace attn_jit;
using namespace attn_jit::store;

namespace {

/// What Linux follows before it says ELOOP.
constexpr int mostLinks = 40;

struct File {
  int number = -1;
  explicit File(int number) : number(number) {}
  File(File &&other) noexcept : number(std::exchange(other.number, -1)) {}
  File &operator=(File &&other) noexcept {
    std::swap(number, other.number);
    return *this;
  }
  ~File() {
    if (number >= 0)
      close(number);
  }
};

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
  rt::Result<File> to(const std::string &folder) {
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
    File real(openat(at.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (real.number < 0)
      return failedCall(folder, "cannot be read");
    return real;
  }

private:
  rt::Status begin() {
    where = "/";
    at = File(open(where.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    return look(at);
  }

  rt::Status look(const File &file) {
    struct stat known;
    if (file.number < 0 || fstat(file.number, &known) != 0)
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
    constexpr int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    File next(openat(at.number, name.c_str(), flags));
    if (next.number < 0 && errno == ENOENT && create) {
      if (mkdirat(at.number, name.c_str(), 0700) != 0 && errno != EEXIST)
        return failedCall(where, "cannot be made");
      next = File(openat(at.number, name.c_str(), flags));
    }
    ATTN_CHECK(look(next));
    if (!isLink) {
      at = std::move(next);
      return std::string();
    }
    char text[PATH_MAX];
    const ssize_t length = readlinkat(next.number, "", text, sizeof text);
    if (length <= 0 || size_t(length) == sizeof text)
      return refused(where, "is a link that cannot be read");
    where = before;
    return std::string(text, size_t(length));
  }

  bool create, isLink = false;
  std::string where;
  File at{-1};
};

} // namespace

OwnedFolder::OwnedFolder(std::string given, int folder)
    : path(std::move(given)), name(path.substr(path.rfind('/') + 1)),
      folder(folder) {}

OwnedFolder::OwnedFolder(OwnedFolder &&other) noexcept
    : path(std::move(other.path)), name(std::move(other.name)),
      folder(std::exchange(other.folder, -1)) {}

OwnedFolder::~OwnedFolder() {
  if (folder >= 0)
    close(folder);
}

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
  ATTN_TRY(File opened, Walk(create).to(folder));
  return OwnedFolder(path, std::exchange(opened.number, -1));
}

rt::Result<std::string> OwnedFolder::read(const Rules &rules) const {
  // Without O_NONBLOCK a pipe under this name would be waited for.
  File file(openat(folder, name.c_str(),
                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.number < 0 && errno == ELOOP)
    return refused(path, "is a link, which is not followed here");
  struct stat known;
  if (file.number < 0 || fstat(file.number, &known) != 0)
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
  // One byte more, so that growth is seen.
  std::string bytes(size_t(known.st_size) + 1, '\0');
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t count =
        ::read(file.number, bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return failedCall(path, "cannot be read");
    if (count == 0)
      break;
    size += size_t(count);
  }
  if (size == bytes.size())
    return refused(path, "changed while it was read");
  bytes.resize(size);
  return bytes;
}

rt::Result<std::string> OwnedFolder::writeTemporary(std::string_view bytes,
                                                    mode_t mode) const {
  static std::atomic<unsigned> count = 0;
  std::string temporary;
  File file(-1);
  do {
    temporary = ".attn-jit-" + std::to_string(getpid()) + "-" +
                std::to_string(count++) + ".tmp";
    file = File(openat(folder, temporary.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  } while (file.number < 0 && errno == EEXIST);
  if (file.number < 0)
    return failedCall(path, "cannot be written");
  bool whole = fchmod(file.number, mode) == 0;
  while (whole && !bytes.empty()) {
    const ssize_t written = ::write(file.number, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    whole = written > 0;
    bytes.remove_prefix(whole ? size_t(written) : 0);
  }
  if (whole && fsync(file.number) == 0)
    return temporary;
  rt::Error error = failedCall(path, "writing it failed");
  unlinkat(folder, temporary.c_str(), 0);
  return error;
}

rt::Status OwnedFolder::replace(std::string_view bytes) const {
  struct stat known;
  const bool there =
      fstatat(folder, name.c_str(), &known, AT_SYMLINK_NOFOLLOW) == 0;
  ATTN_TRY(const std::string temporary,
           writeTemporary(bytes, there ? known.st_mode & 0755 : 0644));
  if (renameat(folder, temporary.c_str(), folder, name.c_str()) != 0) {
    rt::Error error = failedCall(path, "cannot be written");
    unlinkat(folder, temporary.c_str(), 0);
    return error;
  }
  // The new file is there; what the folder's sync says changes nothing of that.
  (void)fsync(folder);
  return rt::success();
}

rt::Status OwnedFolder::make(std::string_view bytes, mode_t mode) const {
  ATTN_TRY(const std::string temporary, writeTemporary(bytes, mode));
  // A second name, unlike a rename, never takes one that is there.
  const bool made =
      linkat(folder, temporary.c_str(), folder, name.c_str(), 0) == 0;
  rt::Error error = made ? rt::Error()
                    : errno == EEXIST
                        ? refused(path, "exists already and is kept")
                        : failedCall(path, "cannot be written");
  unlinkat(folder, temporary.c_str(), 0);
  if (!made)
    return error;
  (void)fsync(folder);
  return rt::success();
}

void OwnedFolder::lock() const {
  while (flock(folder, LOCK_EX) != 0 && errno == EINTR)
    ;
}

rt::Result<std::string>
attn_jit::store::readOwnedFile(const std::string &path,
                               const OwnedFolder::Rules &rules) {
  ATTN_TRY(const OwnedFolder folder, OwnedFolder::of(path));
  return folder.read(rules);
}
