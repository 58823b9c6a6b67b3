// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compiler says of schedules before anything is compiled. Keeps no
// state; microseconds, but for the model.
#ifndef ATTN_JIT_TOOLS_API_SCHEDULERULES_H
#define ATTN_JIT_TOOLS_API_SCHEDULERULES_H

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

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_SCHEDULERULES_H
