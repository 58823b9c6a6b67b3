// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An open file or folder, closed at its end. Opening below one follows no link,
// and only plain files are read, never more than a limit.
#ifndef ATTN_JIT_RUNTIME_STORE_FILEHANDLE_H
#define ATTN_JIT_RUNTIME_STORE_FILEHANDLE_H

#include "runtime/Result.h"

#include <string_view>
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

  explicit operator bool() const { return file >= 0; }
  int get() const { return file; }
  /// errno says why where it does not open.
  FileHandle openAt(const std::string &name, int flags, int mode = 0) const;
  /// BadInput: more than `most` bytes, no plain file, or it ended before its
  /// length; Failed: the system's error.
  rt::Result<std::string> readAll(size_t most) const;
  bool writeAll(std::string_view bytes) const;

private:
  int file = -1;
};

/// Of a folder, without "." and ".."; none where it cannot be listed.
std::vector<std::string> namesIn(int folder);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_FILEHANDLE_H
