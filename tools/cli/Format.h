// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers as the commands print them: "n/a" for what is not known.
#ifndef ATTN_JIT_TOOLS_CLI_FORMAT_H
#define ATTN_JIT_TOOLS_CLI_FORMAT_H

#include "tools/api/Compile.h"

namespace attn_jit::cli {

std::string number(double value, int digits);

/// What a spill count counts: "registers" on AMD, whose code objects tell
/// those, else "bytes".
std::string_view spillUnit(const std::string &target);
/// "0", "24 bytes", "3 registers", "n/a".
std::string spillText(const rt::Resources &resources,
                      const std::string &target);
/// "registers 168, spills 0, shared memory 163912 bytes, occupancy 12.5 %
/// (ptxas 13.0)".
std::string resourceText(const rt::Resources &resources,
                         const std::string &target);
/// "213.4 ms: MLIR 80.1, LLVM 101.0, link 0.0"
std::string compileText(const api::CompileTimes &times);

} // namespace attn_jit::cli

#endif // ATTN_JIT_TOOLS_CLI_FORMAT_H
