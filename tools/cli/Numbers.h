// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values out of flags: the whole text is one value in its range, or an error
// names the flag, what was given and what is allowed.
#ifndef ATTN_JIT_TOOLS_CLI_NUMBERS_H
#define ATTN_JIT_TOOLS_CLI_NUMBERS_H

#include "runtime/Result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attn_jit::cli {

rt::Error refused(std::string_view field, std::string_view text,
                  const std::string &allowed);

rt::Result<int64_t> parseInteger(std::string_view field, std::string_view text,
                                 int64_t least, int64_t most);
/// "1024,4096": each within the range.
rt::Result<std::vector<int64_t>> parseIntegers(std::string_view field,
                                               std::string_view text,
                                               int64_t least, int64_t most);
/// Both ends belong to the range.
rt::Result<double> parseReal(std::string_view field, std::string_view text,
                             double least, double most);
/// yes, true, t, y, 1, on and their opposites.
rt::Result<bool> parseBool(std::string_view field, std::string_view text);
bool isBoolWord(std::string_view text);

std::vector<std::string> splitList(std::string_view text);

/// The text of a file that a flag names.
rt::Result<std::string> readText(std::string_view field,
                                 const std::string &path);

} // namespace attn_jit::cli

#endif // ATTN_JIT_TOOLS_CLI_NUMBERS_H
