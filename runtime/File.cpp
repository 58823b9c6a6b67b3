// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Temporary names are made with O_EXCL, so that two writers never share one and
// no link that lies there is followed.
#include "runtime/File.h"

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace attn_jit::rt;

/// A name in the folder of `target` that no other call of this process gets;
/// short, whatever the length of the target's own.
static std::string temporaryName(const std::string &target) {
  static std::atomic<unsigned> count = 0;
  return target.substr(0, target.rfind('/') + 1) + ".attn-jit-" +
         std::to_string(getpid()) + "-" + std::to_string(count++) + ".tmp";
}

Error NewFile::refused(const char *what) const {
  return badInput(given + ": " + what + ": " + std::strerror(errno));
}

Result<NewFile> NewFile::create(const std::string &path) {
  NewFile made;
  made.given = made.target = path;
  struct stat known;
  // A link keeps its place: what it points to is written.
  if (lstat(path.c_str(), &known) == 0 && S_ISLNK(known.st_mode)) {
    char real[PATH_MAX];
    if (!realpath(path.c_str(), real))
      return made.refused("cannot be written");
    made.target = real;
  }
  if (stat(made.target.c_str(), &known) == 0 && !S_ISREG(known.st_mode) &&
      !S_ISDIR(known.st_mode)) {
    made.file = open(made.target.c_str(), O_WRONLY | O_CLOEXEC);
    if (made.file < 0)
      return made.refused("cannot be written");
    return made;
  }
  do {
    made.temporary = temporaryName(made.target);
    made.file = open(made.temporary.c_str(),
                     O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (made.file < 0 && errno == EEXIST);
  if (made.file >= 0)
    return made;
  made.temporary.clear();
  return made.refused("cannot be written");
}

NewFile::NewFile(NewFile &&other) noexcept
    : given(std::move(other.given)), target(std::move(other.target)),
      temporary(std::exchange(other.temporary, {})),
      previous(std::exchange(other.previous, {})),
      file(std::exchange(other.file, -1)),
      published(std::exchange(other.published, false)) {}

NewFile::~NewFile() {
  if (file >= 0)
    ::close(file);
  if (!temporary.empty() && !published)
    unlink(temporary.c_str());
  if (!previous.empty())
    unlink(previous.c_str());
}

Status NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return refused("writing it failed");
    bytes.remove_prefix(size_t(count));
  }
  return success();
}

Status NewFile::close() {
  // Some file systems say only here that there was no room.
  if (::close(std::exchange(file, -1)) != 0)
    return refused("writing it failed");
  return success();
}

Status NewFile::publish() {
  if (temporary.empty())
    return success();
  // A second name keeps the old content for undo(). Where links cannot be made,
  // undo() takes the new file away and the old one is lost.
  std::string kept = temporary + ".old";
  if (link(target.c_str(), kept.c_str()) == 0)
    previous = std::move(kept);
  if (std::rename(temporary.c_str(), target.c_str()) != 0)
    return refused("cannot be written");
  published = true;
  return success();
}

void NewFile::undo() {
  if (!published)
    return;
  if (previous.empty())
    unlink(target.c_str());
  else if (std::rename(previous.c_str(), target.c_str()) == 0)
    previous.clear();
}

Status attn_jit::rt::writeFile(const std::string &path,
                               std::string_view bytes) {
  const FileContent one[] = {{path, bytes}};
  return writeFiles(one);
}

Status attn_jit::rt::writeFiles(std::span<const FileContent> files) {
  std::vector<NewFile> made;
  made.reserve(files.size());
  for (const FileContent &each : files) {
    ATTN_TRY(NewFile file, NewFile::create(each.path));
    made.push_back(std::move(file));
  }
  for (size_t i = 0; i < files.size(); ++i) {
    ATTN_CHECK(made[i].write(files[i].bytes));
    ATTN_CHECK(made[i].close());
  }
  for (size_t i = 0; i < files.size(); ++i)
    if (Status status = made[i].publish(); !status) {
      while (i-- > 0)
        made[i].undo();
      return status;
    }
  return success();
}
