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

FileHandle FileHandle::openAt(const std::string &name, int flags,
                              int mode) const {
  return FileHandle(
      openat(file, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode));
}

rt::Result<std::string> FileHandle::readAll(size_t most) const {
  struct stat known;
  if (fstat(file, &known) != 0)
    return rt::failed(std::strerror(errno));
  if (!S_ISREG(known.st_mode))
    return rt::badInput("it is no plain file");
  if (size_t(known.st_size) > most)
    return rt::badInput(std::to_string(known.st_size) +
                        " bytes given, allowed: at most " +
                        std::to_string(most));
  std::string bytes(size_t(known.st_size), '\0');
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t count = read(file, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return rt::failed(std::strerror(errno));
    if (count == 0)
      return rt::badInput("it ended before its length");
    done += size_t(count);
  }
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

std::vector<std::string> attn_jit::store::namesIn(int folder) {
  std::vector<std::string> names;
  // A second description: reading moves its position.
  const int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *listing = own < 0 ? nullptr : fdopendir(own);
  if (!listing) {
    if (own >= 0)
      close(own);
    return names;
  }
  while (const dirent *entry = readdir(listing))
    if (std::strcmp(entry->d_name, ".") && std::strcmp(entry->d_name, ".."))
      names.emplace_back(entry->d_name);
  closedir(listing);
  return names;
}
