// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NVIDIA's assembler, where one is installed: machine code, and the registers
// and spills that PTX alone does not tell. Nothing here is needed to run.
#ifndef ATTN_JIT_TOOLS_API_PTXAS_H
#define ATTN_JIT_TOOLS_API_PTXAS_H

#include "runtime/Result.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace attn_jit::api {

struct PtxasReport {
  std::optional<int64_t> registers;
  std::optional<int64_t> spills;      ///< bytes stored and loaded
  std::optional<int64_t> sharedBytes; ///< static
  std::vector<std::string> warnings;
  std::string version; ///< "ptxas 13.0"
};

struct Assembled {
  std::string cubin;
  PtxasReport report;
};

/// ATTN_JIT_PTXAS when it is set, else in the absolute folders of PATH, in
/// $CUDA_HOME/bin, or in /usr/local/cuda/bin; empty: not here. Whoever starts a
/// set-uid program chooses none of these.
std::string findPtxas();

/// A ptxas beside a program: of the lowest priority, in an environment of its
/// own, and another thread may end it.
class RunningTool {
public:
  /// Where its files lie while it runs.
  explicit RunningTool(std::string folder) : folder(std::move(folder)) {}
  const std::string folder;
  /// What runs, and whatever would be started with this.
  void kill();

private:
  friend struct ToolRun;
  std::mutex mutex; ///< of both: a process that was waited for is none
  pid_t process = 0;
  bool ended = false;
};

/// "ptxas 13.0", asked once for each file; "ptxas": it does not say.
std::string ptxasVersion(const std::string &ptxas,
                         RunningTool *running = nullptr);

/// Runs `ptxas -v`. The error holds its log; with \p keepFault also a command
/// that shows it again, for whose sake the PTX stays.
rt::Result<Assembled> assemble(const std::string &ptxas, std::string_view ptx,
                               const std::string &target, bool keepFault,
                               RunningTool *running = nullptr);

/// What `ptxas -v` said, read.
PtxasReport readPtxasLog(std::string_view log);

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_PTXAS_H
