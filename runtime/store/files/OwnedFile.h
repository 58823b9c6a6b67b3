// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files that decide whose code runs. They are believed only where nobody else
// can have put them: a file belongs to this user or to root and others cannot
// write to it, and so does each folder on its path, or it is sticky. What is
// checked is what was opened, never a name that may point elsewhere by then.
#ifndef ATTN_JIT_RUNTIME_STORE_OWNEDFILE_H
#define ATTN_JIT_RUNTIME_STORE_OWNEDFILE_H

#include "runtime/store/files/FileHandle.h"

namespace attn_jit::store {

/// The folder of a path, held open after every folder and link that leads to it
/// has passed. Names in it are meant by this descriptor, not by their paths.
class OwnedFolder {
public:
  /// Of the file `path`, which itself is not looked at. NotFound: a folder is
  /// absent; BadInput: it is not to be believed. `create` makes what is absent,
  /// 0700.
  static rt::Result<OwnedFolder> of(const std::string &path,
                                    bool create = false);
  /// What its file must be, and what is read of it.
  struct Rules {
    size_t mostBytes;
    bool secret = false; ///< nobody else may read it either
  };
  /// The file's bytes. NotFound: there is none; BadInput: why it is not
  /// believed, with what would mend it. A link is not followed.
  rt::Result<std::string> read(const Rules &rules) const;
  /// Replaces or makes the file, whole or not at all and on disk when this
  /// returns. A file that is there keeps its mode.
  rt::Status replace(std::string_view bytes) const;
  /// Makes the file with this mode, whole or not at all, unless one is there.
  rt::Status make(std::string_view bytes, mode_t mode) const;
  /// Holds off others that edit here, until this object ends; where the file
  /// system has no such locks, nothing.
  void lock() const;

private:
  OwnedFolder(std::string path, FileHandle folder);
  rt::Result<std::string> writeTemporary(std::string_view bytes,
                                         mode_t mode) const;

  std::string path, name;
  FileHandle folder;
};

/// The whole of a file that passes.
rt::Result<std::string> readOwnedFile(const std::string &path,
                                      const OwnedFolder::Rules &rules);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_OWNEDFILE_H
