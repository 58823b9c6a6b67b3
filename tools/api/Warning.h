// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a program should hear though its calls succeed.
#ifndef ATTN_JIT_TOOLS_API_WARNING_H
#define ATTN_JIT_TOOLS_API_WARNING_H

#include <string>

namespace attn_jit::api {

/// One line on standard error, each text once a process; what is not printable
/// becomes so.
void warnOnce(const std::string &text);

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_WARNING_H
