// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether a program has its calls tuned while it runs, by child processes:
//
//   mode   ::= "off" | "background" ("," option)*
//   option ::= "share=" number     of the device's time, 0.01 to 1; 0.1
//            | "budget=" number    seconds for each problem; 600
//            | "schedules=" number the model's first that are searched; 512
#ifndef ATTN_JIT_TOOLS_API_TUNINGMODE_H
#define ATTN_JIT_TOOLS_API_TUNINGMODE_H

#include "runtime/Result.h"

namespace attn_jit::api {

struct TuningMode {
  bool background = false;
  double share = 0.1;
  double budgetSeconds = 600;
  double schedules = 512; ///< whole

  /// `field` is what the error names.
  static rt::Result<TuningMode> parse(const std::string &field,
                                      const std::string &text);
  /// Of ATTN_JIT_TUNE; off where it is not set.
  static rt::Result<TuningMode> ofEnvironment();
};

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_TUNINGMODE_H
