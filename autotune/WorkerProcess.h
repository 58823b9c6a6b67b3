// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A child process that is spoken to in lines, each way, through one socket: a
// kernel that crashes or hangs takes it along and nobody else. It is killed and
// reaped with its last owner.
#ifndef ATTN_JIT_AUTOTUNE_WORKERPROCESS_H
#define ATTN_JIT_AUTOTUNE_WORKERPROCESS_H

#include "runtime/Result.h"

#include <sys/types.h>
#include <vector>

namespace attn_jit::tune {

class WorkerProcess {
public:
  /// `command[0]` is a path. What the child says on standard error goes to the
  /// file `errors`, which is made anew.
  static rt::Result<WorkerProcess>
  start(const std::vector<std::string> &command, const std::string &errors);
  WorkerProcess(WorkerProcess &&other) noexcept;
  WorkerProcess &operator=(WorkerProcess &&other) noexcept;
  ~WorkerProcess();

  enum class Heard {
    Line,
    Silence, ///< nothing until the limit
    Death,   ///< the other end is closed
  };
  /// Without the line's end. A dead child is told by hear().
  void say(const std::string &line);
  Heard hear(std::string &line, double limitSeconds);

  struct End {
    /// "signal 11 (Segmentation fault)", "exit code 1", with the last line that
    /// it wrote as an error.
    std::string how;
    /// By SIGKILL, which no schedule sends: memory ran out, or somebody's wish.
    bool killed = false;
  };
  /// Ends it, if it runs.
  End end();

private:
  WorkerProcess() = default;
  pid_t child = -1;
  int socket = -1;
  std::string received, errorFile;
};

} // namespace attn_jit::tune

#endif
