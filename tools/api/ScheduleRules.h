// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compiler says of schedules before anything is compiled. Keeps no
// state; microseconds, but for the model.
#ifndef ATTN_JIT_TOOLS_API_SCHEDULERULES_H
#define ATTN_JIT_TOOLS_API_SCHEDULERULES_H

#include "runtime/Runtime.h"
#include "tools/api/Compile.h"

namespace attn_jit::api {

/// The complete text of what is chosen for the options' target, alignment and
/// class where nobody says anything.
std::string defaultSchedule(const Description &description,
                            const CompileOptions &options);
/// Is it complete text of this build's grammar, and does the verifier take it?
bool isLegalSchedule(const Description &description,
                     const CompileOptions &options,
                     const std::string &schedule);

/// Does a model that is held to measurements know this target?
bool modelKnows(const std::string &target);
/// What it takes to be the fastest for a call of that many heads, of one
/// sequence; complete text. Empty where the default was measured, or the model
/// does not know the problem. About a millisecond.
std::string modelSchedule(const Description &description,
                          const CompileOptions &options,
                          const TypicalCall &call,
                          const rt::DeviceInfo &device);

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_SCHEDULERULES_H
