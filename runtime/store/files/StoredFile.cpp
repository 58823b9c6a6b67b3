// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/files/StoredFile.h"
#include "runtime/store/files/Publish.h"
#include "runtime/store/files/Random.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

using namespace attn_jit::store;

/// Stamps of a host whose clock is ahead of the reader's by less are believed.
static constexpr int64_t clockSlack = 3600;
static constexpr int64_t markInterval = 3600;

const char *attn_jit::store::name(Shelf shelf) {
  switch (shelf) {
  case Shelf::Objects:
    return "objects";
  case Shelf::Actions:
    return "actions";
  case Shelf::Foreign:
    return "foreign";
  }
  return "";
}

uint64_t attn_jit::store::lockByte(const Digest &key) {
  uint64_t byte;
  std::memcpy(&byte, key.bytes.data() + 1, sizeof byte);
  return byte;
}

std::string Layout::folder(Shelf shelf, const Digest &digest) const {
  return top + name(shelf) + "/" + digest.hex().substr(0, 2);
}

std::string Layout::file(Shelf shelf, const Digest &digest) const {
  const std::string hex = digest.hex();
  return top + name(shelf) + "/" + hex.substr(0, 2) + "/" + hex;
}

static ReadFile missing(Miss miss) {
  ReadFile read;
  read.miss = miss;
  return read;
}

/// Something is there under that name which cannot be read as a file.
static ReadFile notAFile(const std::string &path) {
  ReadFile read = missing(Miss::Corrupt);
  if (lstat(path.c_str(), &read.known) != 0)
    read.miss = Miss::Absent;
  return read;
}

/// Its bytes and one more if there is one: `size` was right. -1: an error.
static ssize_t readAll(int file, char *bytes, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(file, bytes + done, size - done);
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

ReadFile attn_jit::store::readStored(const std::string &path, size_t most) {
  int file;
  do // what is no regular file is not waited for
    file = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  while (file < 0 && errno == EINTR);
  if (file < 0) {
    if (errno == ENOENT)
      return missing(Miss::Absent);
    return errno == ELOOP || errno == ENXIO ? notAFile(path)
                                            : missing(Miss::Unreadable);
  }
  StoredFile stored;
  ReadFile read = missing(Miss::Unreadable);
  if (fstat(file, &stored.known) == 0) {
    read.known = stored.known;
    const auto size = size_t(stored.known.st_size);
    if (!S_ISREG(stored.known.st_mode) || size > most) {
      read.miss = Miss::Corrupt;
    } else {
      stored.bytes.resize(size);
      const ssize_t count = readAll(file, stored.bytes.data(), size);
      if (count >= 0) {
        stored.bytes.resize(size_t(count));
        read.file = std::move(stored);
        read.miss = Miss::Absent;
      }
    }
  }
  close(file);
  return read;
}

static bool sameFile(const struct stat &one, const struct stat &other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool attn_jit::store::quarantine(const Layout &layout, const std::string &path,
                                 const struct stat &bad) {
  struct stat known;
  if (lstat(path.c_str(), &known) != 0 || !sameFile(known, bad))
    return false;
  const std::string folder = layout.folder("quarantine");
  if (!makeFolder(folder))
    return false;
  const size_t slash = path.rfind('/'), shard = path.rfind('/', slash - 1),
               shelf = path.rfind('/', shard - 1);
  const std::string kept = folder + "/" +
                           path.substr(shelf + 1, shard - shelf - 1) + "-" +
                           path.substr(slash + 1) + "-" + randomHex(8);
  if (std::rename(path.c_str(), kept.c_str()) != 0)
    return false;
  // A good one may have taken the name since it was looked at: it goes back,
  // unless its place has been filled again.
  if (lstat(kept.c_str(), &known) == 0 && !sameFile(known, bad)) {
    (void)takeName(kept, path);
    return false;
  }
  return true;
}

bool attn_jit::store::markUseNow(const std::string &path) {
  return utimensat(AT_FDCWD, path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) == 0;
}

void attn_jit::store::markUse(const std::string &path,
                              const struct stat &known) {
  const int64_t age = int64_t(time(nullptr)) - known.st_mtime;
  if (age > markInterval || age < -clockSlack)
    markUseNow(path);
}

int64_t attn_jit::store::lastUse(const struct stat &known, int64_t now) {
  for (const int64_t stamp : {known.st_mtime, known.st_ctime})
    if (stamp <= now + clockSlack)
      return std::min(stamp, now);
  return -1;
}

void attn_jit::store::eachName(
    const std::string &folder,
    const std::function<void(const std::string &)> &visit) {
  DIR *open = opendir(folder.c_str());
  if (!open)
    return;
  // Read before the first is visited: visitors take names away.
  std::vector<std::string> names;
  while (const dirent *entry = readdir(open))
    if (entry->d_name[0] != '.')
      names.emplace_back(entry->d_name);
  closedir(open);
  for (const std::string &name : names)
    visit(name);
}

void attn_jit::store::eachStored(
    const Layout &layout, Shelf shelf,
    const std::function<void(const std::string &, const std::string &,
                             std::optional<Digest>)> &visit) {
  const std::string top = layout.folder(name(shelf));
  eachName(top, [&](const std::string &shard) {
    eachName(top + "/" + shard, [&](const std::string &file) {
      auto digest = Digest::parse(file);
      if (digest && file.substr(0, 2) != shard)
        digest.reset();
      const std::string below = "/" + shard + "/" + file;
      visit(name(shelf) + below, top + below, digest);
    });
  });
}
