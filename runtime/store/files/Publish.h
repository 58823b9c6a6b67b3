// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file that appears whole or not at all, and survives the machine: it is made
// in v1/tmp, written, fsynced, renamed, and its folder fsynced. Private to the
// store.
#ifndef ATTN_JIT_RUNTIME_STORE_PUBLISH_H
#define ATTN_JIT_RUNTIME_STORE_PUBLISH_H

#include "runtime/Result.h"

#include <array>
#include <string>
#include <string_view>

namespace attn_jit::store {

enum class Step { Made, Written, Synced, Named, FolderSynced };
inline constexpr std::array<Step, 5> allSteps = {
    Step::Made, Step::Written, Step::Synced, Step::Named, Step::FolderSynced};
std::string_view name(Step step); ///< "made", "written", ...

/// Called after each step, with the path that is published: tests end their
/// process there. Null: nobody looks.
using StepObserver = void (*)(Step step, const std::string &path);
void observeSteps(StepObserver observer);

struct Published {
  bool mine = false; ///< false: somebody was first, and that file stays
};

/// `path` and its folder lie in one file system with `temporaryFolder`; both
/// folders are made. After the rename there is no error.
rt::Result<Published> publishFile(const std::string &temporaryFolder,
                                  const std::string &path,
                                  std::string_view bytes, mode_t mode);

/// The same in place of what `path` has: a reader meets the one or the other.
/// Who may do so at once is the caller's to settle.
rt::Status republishFile(const std::string &temporaryFolder,
                         const std::string &path, std::string_view bytes,
                         mode_t mode);

/// For what is worth no fsync: whole after a crash of the process, perhaps not
/// after one of the machine.
rt::Status replaceFile(const std::string &temporaryFolder,
                       const std::string &path, std::string_view bytes);

/// 0700, with those above it.
rt::Status makeFolder(const std::string &path);

/// Gives the file `from` the name `to` if nothing has it; `from` is gone
/// afterwards in any case. False: something has it. Where a file system can do
/// neither that nor links, the name is taken from whatever had it.
rt::Result<bool> takeName(const std::string &from, const std::string &to);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_PUBLISH_H
