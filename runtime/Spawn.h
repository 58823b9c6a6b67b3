// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program started beside this one, with nothing of its open files.
#ifndef ATTN_JIT_RUNTIME_SPAWN_H
#define ATTN_JIT_RUNTIME_SPAWN_H

#include "runtime/Result.h"

#include <string>
#include <sys/types.h>
#include <vector>

namespace attn_jit::rt {

struct SpawnOptions {
  /// A descriptor that becomes input and output. -1: there is nothing to read.
  int talk = -1;
  /// A file, made anew: what it says on standard error.
  std::string errors;
  /// Of its output, where it does not talk: to the errors, else nowhere.
  bool outputToErrors = false;
  /// "NAME=value"; null: that of this process.
  const std::vector<std::string> *environment = nullptr;
  /// In a session of its own, with every signal as at the start of a process.
  bool ownSession = false;
};

/// `command[0]` is a path. The caller reaps it. Handlers of fork (atfork) do
/// not run.
Result<pid_t> spawn(const std::vector<std::string> &command,
                    const SpawnOptions &options);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_SPAWN_H
