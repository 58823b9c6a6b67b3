// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A temporary folder that is taken away even where its program was killed: by
// the next program of this user that makes one of the same stem there.
#ifndef ATTN_JIT_TOOLS_API_SCRATCHFOLDER_H
#define ATTN_JIT_TOOLS_API_SCRATCHFOLDER_H

#include "runtime/TemporaryFolder.h"
#include "runtime/store/files/FileLock.h"

namespace attn_jit::api {

class ScratchFolder {
public:
  static rt::Result<ScratchFolder> make(const std::string &stem);

  const std::string &path() const { return folder.path(); }
  std::string file(const std::string &name) const { return folder.file(name); }

private:
  ScratchFolder(rt::TemporaryFolder folder, std::optional<store::FileLock> held)
      : folder(std::move(folder)), held(std::move(held)) {}
  rt::TemporaryFolder folder;
  /// Says that somebody lives who uses it; none where locks are not known.
  std::optional<store::FileLock> held;
};

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_SCRATCHFOLDER_H
