// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host threads that compile while a device measures. Each schedule is compiled
// once; what is asked for goes before what was only announced.
#ifndef ATTN_JIT_AUTOTUNE_COMPILEPOOL_H
#define ATTN_JIT_AUTOTUNE_COMPILEPOOL_H

#include "runtime/Result.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace attn_jit::tune {

/// What became of it. Where a search asks, the path of the manifest, its image
/// beside it; errors of the codes NotFound and OutOfMemory are the host's,
/// others the schedule's.
using CompiledPath = rt::Result<std::string>;
/// Called by several threads at once.
using CompileFunction = std::function<CompiledPath(const std::string &)>;

class CompilePool {
public:
  CompilePool(CompileFunction compile, unsigned threads);
  /// Waits for what is being compiled, not for what is announced.
  ~CompilePool();
  CompilePool(const CompilePool &) = delete;
  CompilePool &operator=(const CompilePool &) = delete;

  void announce(const std::string &schedule);
  /// Waits for it.
  CompiledPath get(const std::string &schedule);

private:
  void work();

  CompileFunction compile;
  std::mutex mutex;
  std::condition_variable wanted, done;
  std::deque<std::string> queue;
  std::map<std::string, std::optional<CompiledPath>> made; ///< or being made
  std::vector<std::thread> threads;
  bool ending = false;
};

} // namespace attn_jit::tune

#endif
