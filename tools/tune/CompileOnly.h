// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A host that compiles for the searches of others (autotune/JoinHelper.h).
#ifndef ATTN_JIT_TOOLS_TUNE_COMPILEONLY_H
#define ATTN_JIT_TOOLS_TUNE_COMPILEONLY_H

#include "autotune/JoinHelper.h"
#include "tools/tune/Options.h"

namespace attn_jit::tuning {

/// On all processors that this process may use.
rt::Result<tune::HelperReport> compileOnly(const Options &options);

} // namespace attn_jit::tuning

#endif // ATTN_JIT_TOOLS_TUNE_COMPILEONLY_H
