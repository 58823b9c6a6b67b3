// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A child process of a program that is not ours: with nothing of its files,
// signals and terminal, reaped by whoever started it.
#ifndef ATTN_JIT_TOOLS_API_CHILDPROCESS_H
#define ATTN_JIT_TOOLS_API_CHILDPROCESS_H

#include "runtime/Result.h"

#include <vector>

namespace attn_jit::api {

/// Of one thread, whose end the child may be told of (PR_SET_PDEATHSIG).
class ChildProcess {
public:
  /// In a session of its own; reads nothing, its output goes nowhere, its
  /// errors into the file. `command[0]` is a path.
  static rt::Result<ChildProcess>
  start(const std::vector<std::string> &command,
        const std::vector<std::string> &environment, const std::string &errors);
  ChildProcess(ChildProcess &&other) noexcept;
  ChildProcess &operator=(ChildProcess &&) = delete;
  /// Asks it to end (SIGTERM), and kills it where it does not within a second.
  ~ChildProcess();

  /// Its exit code once it has ended, -1 where a signal ended it or somebody
  /// else reaped it; nothing while it runs.
  std::optional<int> ended();

private:
  explicit ChildProcess(int process) : process(process) {}
  int process; ///< 0: it has ended
};

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_CHILDPROCESS_H
