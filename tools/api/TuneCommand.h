// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The command line that tunes a call of this process: the program beside this
// library, with flags that give it the same problem.
#ifndef ATTN_JIT_TOOLS_API_TUNECOMMAND_H
#define ATTN_JIT_TOOLS_API_TUNECOMMAND_H

#include "runtime/Runtime.h"
#include "tools/api/Compile.h"

#include <optional>
#include <string>
#include <vector>

namespace attn_jit::api {

/// Of this process's library: its attn-jit, a path; empty where there is none.
std::string commandBesideLibrary();

struct TunedCall {
  Description description;
  CompileOptions wanted; ///< as ScheduleChoice::choose takes it
  TypicalCall call;      ///< all sizes told
  bool bucket = false;   ///< both ends of its bucket instead of its sizes
};

/// As every flag is read, whatever the program's locale.
std::string numberText(double number);

/// Words behind the program's name. Nothing where `attn-jit tune` has not this
/// problem: regions of one's own, which nothing could check, and strides or
/// bases that a made tensor has not.
std::optional<std::vector<std::string>> tuneFlags(const TunedCall &what,
                                                  const rt::DeviceInfo &device);

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_TUNECOMMAND_H
