// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files that appear whole or not at all: written under a temporary name beside
// their own, then renamed. Devices and pipes, which a rename would replace, are
// written to.
#ifndef ATTN_JIT_RUNTIME_FILE_H
#define ATTN_JIT_RUNTIME_FILE_H

#include "runtime/Result.h"

#include <span>
#include <string>
#include <string_view>

namespace attn_jit::rt {

/// Gone without a trace unless publish() was reached and undo() was not.
class NewFile {
public:
  static Result<NewFile> create(const std::string &path);
  NewFile(NewFile &&other) noexcept;
  NewFile &operator=(NewFile &&) = delete;
  ~NewFile();

  Status write(std::string_view bytes);
  /// Afterwards all bytes are the system's, and only the name is missing.
  Status close();
  /// Takes the name; what had it before stays until this object ends.
  Status publish();
  /// Gives the name back to what had it before publish().
  void undo();

private:
  NewFile() = default;
  Error refused(const char *what) const;

  std::string given, target, temporary, previous;
  int file = -1;
  bool published = false;
};

struct FileContent {
  std::string path;
  std::string_view bytes;
};

/// An unwritable path is bad input: another one would do.
Status writeFile(const std::string &path, std::string_view bytes);
/// All of them or none, and they appear in this order. After an error each path
/// holds what it held before.
Status writeFiles(std::span<const FileContent> files);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_FILE_H
