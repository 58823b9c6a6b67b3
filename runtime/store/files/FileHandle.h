// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An open file or folder, closed at its end: the one way in which the store
// opens, reads, writes and lists. No link is followed and no child of exec
// inherits it; only plain files are read, never more than a limit.
#ifndef ATTN_JIT_RUNTIME_STORE_FILEHANDLE_H
#define ATTN_JIT_RUNTIME_STORE_FILEHANDLE_H

#include "runtime/Result.h"

#include <span>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace attn_jit::store {

class FileHandle {
public:
  FileHandle() = default;
  explicit FileHandle(int file) : file(file) {}
  FileHandle(FileHandle &&other) noexcept
      : file(std::exchange(other.file, -1)) {}
  FileHandle &operator=(FileHandle &&other) noexcept {
    std::swap(file, other.file);
    return *this;
  }
  ~FileHandle();

  /// errno says why where it does not open. With O_NONBLOCK in `flags` a pipe
  /// under that name is not waited for.
  static FileHandle open(const std::string &path, int flags, int mode = 0);
  FileHandle openAt(const std::string &name, int flags, int mode = 0) const;

  explicit operator bool() const { return file >= 0; }
  int get() const { return file; }
  /// Gives the number away; whoever has it closes it.
  int release() { return std::exchange(file, -1); }
  /// Closed; false where a file system says only now that there was no room.
  bool closed();

  /// Fills `to` as far as there are bytes, and says how far; -1: errno.
  ssize_t read(std::span<char> to) const;
  /// BadInput: more than `most` bytes, no plain file, or another length than it
  /// had when it was opened; Failed: the system's error.
  rt::Result<std::string> readAll(size_t most) const;
  /// The rest, on false, is in errno.
  bool writeAll(std::string_view bytes) const;
  /// Makes a file in this folder, all of it on disk, whatever the umask is. On
  /// false errno says why, and nothing is left of it.
  bool makeSynced(const std::string &name, std::string_view bytes,
                  mode_t mode) const;

private:
  int file = -1;
};

/// Of a folder, without "." and ".."; none where it cannot be listed.
std::vector<std::string> namesIn(const FileHandle &folder);

/// Best effort: not every file system can.
void syncFolder(const std::string &path);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_FILEHANDLE_H
