// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Leases as files of a shared folder, by links alone, which every file system
// that hosts share has. A file's time is when its lease ends, by the clock of
// the file system: that of a file which was just written there.
#ifndef ATTN_JIT_RUNTIME_STORE_REMOTE_FOLDERLEASE_H
#define ATTN_JIT_RUNTIME_STORE_REMOTE_FOLDERLEASE_H

#include "runtime/store/files/FileHandle.h"
#include "runtime/store/remote/Remote.h"

namespace attn_jit::store {

/// Remote::lease() of the file `name` in `at`; `scratch` is on the same file
/// system. Failed: errno says why.
rt::Result<std::optional<HeldName>> takeLease(const FileHandle &at,
                                              const FileHandle &scratch,
                                              const std::string &name,
                                              std::string_view text,
                                              std::chrono::milliseconds valid);
/// What is there, by this host's clock: nothing is written.
std::optional<HeldName> lookAtLease(const FileHandle &at,
                                    const std::string &name);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_REMOTE_FOLDERLEASE_H
