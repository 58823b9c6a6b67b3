// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/files/FileHandle.h"

#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;

FileHandle::~FileHandle() {
  // What the caller is about to say of a failure stays.
  const int kept = errno;
  if (file >= 0)
    close(file);
  errno = kept;
}

FileHandle FileHandle::open(const std::string &path, int flags, int mode) {
  return FileHandle(AT_FDCWD).openAt(path, flags, mode);
}

FileHandle FileHandle::openAt(const std::string &name, int flags,
                              int mode) const {
  int opened;
  do
    opened = openat(file, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode);
  while (opened < 0 && errno == EINTR);
  return FileHandle(opened);
}

bool FileHandle::closed() { return close(release()) == 0; }

ssize_t FileHandle::read(std::span<char> to) const {
  size_t done = 0;
  while (done < to.size()) {
    const ssize_t count = ::read(file, to.data() + done, to.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return -1;
    if (count == 0)
      break;
    done += size_t(count);
  }
  return ssize_t(done);
}

rt::Result<std::string> FileHandle::readAll(size_t most) const {
  struct stat known;
  if (fstat(file, &known) != 0)
    return rt::failed(std::strerror(errno));
  if (!S_ISREG(known.st_mode))
    return rt::badInput("it is no plain file");
  const auto size = size_t(known.st_size);
  if (size > most)
    return rt::badInput(std::to_string(size) +
                        " bytes given, allowed: at most " +
                        std::to_string(most));
  // One byte more, so that growth is seen.
  std::string bytes(size + 1, '\0');
  const ssize_t count = read(bytes);
  if (count < 0)
    return rt::failed(std::strerror(errno));
  if (size_t(count) != size)
    return rt::badInput("it changed while it was read");
  bytes.pop_back();
  return bytes;
}

bool FileHandle::writeAll(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return false;
    bytes.remove_prefix(size_t(count));
  }
  return true;
}

bool FileHandle::makeSynced(const std::string &name, std::string_view bytes,
                            mode_t mode) const {
  FileHandle made = openAt(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!made)
    return false;
  bool whole = fchmod(made.file, mode) == 0 && made.writeAll(bytes) &&
               fsync(made.file) == 0;
  whole = whole && made.closed();
  if (!whole) {
    const int kept = errno;
    unlinkat(file, name.c_str(), 0);
    errno = kept;
  }
  return whole;
}

std::vector<std::string> attn_jit::store::namesIn(const FileHandle &folder) {
  std::vector<std::string> names;
  // A second description: reading moves its position.
  FileHandle own = folder.openAt(".", O_RDONLY | O_DIRECTORY);
  DIR *listing = own ? fdopendir(own.get()) : nullptr;
  if (!listing)
    return names;
  own.release();
  while (const dirent *entry = readdir(listing))
    if (const std::string_view name = entry->d_name;
        name != "." && name != "..")
      names.emplace_back(name);
  closedir(listing);
  return names;
}

void attn_jit::store::syncFolder(const std::string &path) {
  // The last name may be a link: a user's own to another disk.
  const FileHandle folder(
      open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder)
    (void)fsync(folder.get());
}
