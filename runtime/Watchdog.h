// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A limit on work that may never end. When the limit passes the process says
// what ran and ends with exit code 1: a hung context can not be given back.
#ifndef ATTN_JIT_RUNTIME_WATCHDOG_H
#define ATTN_JIT_RUNTIME_WATCHDOG_H

#include <memory>
#include <string>

namespace attn_jit::rt {

/// Armed while it lives. Also guards calls that block the calling thread.
class Watchdog {
public:
  /// `what` names the work: the schedule text, and the shape if there is one.
  /// A limit above 30 years is one of 30 years.
  Watchdog(double limitSeconds, const std::string &what);
  ~Watchdog();
  Watchdog(const Watchdog &) = delete;
  Watchdog &operator=(const Watchdog &) = delete;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_WATCHDOG_H
