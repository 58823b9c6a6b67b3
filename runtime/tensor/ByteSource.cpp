// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// File and memory behind ByteSource.
// Invariant: a file that shrinks while it is read gives an error, never a
// fault.

#include "runtime/tensor/ByteSource.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace attn_jit::rt {

Result<ByteSource> ByteSource::open(const std::string &path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return notFound(path + ": " + std::strerror(errno));
  ByteSource source({}, path);
  source.file = std::shared_ptr<const int>(new int(descriptor),
                                           [](const int *descriptor) {
                                             ::close(*descriptor);
                                             delete descriptor;
                                           });
  struct stat status;
  if (::fstat(descriptor, &status) != 0)
    return notFound(path + ": " + std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    return badInput(path + ": not a regular file");
  source.size_ = status.st_size;
  return source;
}

Status ByteSource::read(uint64_t offset, std::span<std::byte> into) const {
  if (offset > size_ || into.size() > size_ - offset)
    return error("truncated: " + std::to_string(into.size()) +
                 " bytes at byte " + std::to_string(offset) +
                 " are wanted, the file has " + std::to_string(size_));
  if (!file) {
    if (!into.empty())
      std::memcpy(into.data(), bytes.data() + offset, into.size());
    return success();
  }
  while (!into.empty()) {
    ssize_t got = ::pread(*file, into.data(), into.size(), off_t(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return error(got < 0 ? std::strerror(errno)
                           : "the file became shorter while it was read");
    into = into.subspan(got);
    offset += got;
  }
  return success();
}

Result<std::shared_ptr<Storage>> ByteSource::load(uint64_t offset,
                                                  uint64_t count) const {
  // Before the allocation, so that a hostile size costs nothing.
  if (offset > size_ || count > size_ - offset)
    return error("truncated: " + std::to_string(count) + " bytes at byte " +
                 std::to_string(offset) + " are wanted, the file has " +
                 std::to_string(size_));
  ATTN_TRY(auto storage, Storage::allocate(count));
  ATTN_CHECK(read(offset, {storage->data(), size_t(count)}));
  return storage;
}

void swapBytes(Storage &storage, size_t elementSize) {
  if (elementSize < 2)
    return;
  std::byte *at = storage.data();
  for (uint64_t i = 0; i + elementSize <= storage.size(); i += elementSize)
    std::reverse(at + i, at + i + elementSize);
}

} // namespace attn_jit::rt
