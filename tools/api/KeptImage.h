// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel that exists only in memory and that a driver refuses: its image is
// written out then, since the command that shows the fault again needs a file.
#ifndef ATTN_JIT_TOOLS_API_KEPTIMAGE_H
#define ATTN_JIT_TOOLS_API_KEPTIMAGE_H

#include "tools/api/Compile.h"

namespace attn_jit::api {

class KeptImage {
public:
  explicit KeptImage(const Compiled &compiled);
  /// Where the image will lie; nothing is there before keep().
  const std::string &path() const { return file; }
  /// Writes image and manifest if the error's command names path(). A command
  /// that would not work is taken away.
  rt::Error keep(rt::Error error) const;

private:
  const Compiled &compiled;
  std::string folder, file;
};

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_KEPTIMAGE_H
