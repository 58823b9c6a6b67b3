// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the commands share: argv brought into the form CLI11 reads, and errors
// as one line with an exit code.
#ifndef ATTN_JIT_TOOLS_CLI_ARGUMENTS_H
#define ATTN_JIT_TOOLS_CLI_ARGUMENTS_H

#include "runtime/Result.h"
#include "tools/cli/DescriptionText.h"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace attn_jit::cli {

/// "-hq 16" becomes "--hq 16" where the command knows --hq, and "--d 64" what
/// it calls -d; '-' and '_' inside a name are one; a flag whose value may be
/// left out gets its default.
std::vector<std::string> normalise(const std::vector<std::string> &arguments,
                                   const CLI::App &command);

/// The refusal of a word that \p command does not know: the flags whose names
/// are nearest, or where all are told.
std::string unknownWord(const std::string &word, const CLI::App &command);

/// Prints the line, the reproducing command and the log; gives the exit code.
/// Control characters, which a file's name may hold, become '?'.
int report(const rt::Error &error);

/// Where kernels are not kept, says so on standard error, once.
void noticeStore();

/// The flags that say which attention, for bench (lists allowed) and compile.
void addDescriptionFlags(CLI::App &command, DescriptionText &text,
                         bool forBench);

void addBench(CLI::App &root, int &status, const std::string &command);
void addCache(CLI::App &root, int &status);
void addCompile(CLI::App &root, int &status);
void addDevices(CLI::App &root, int &status);
void addSchedules(CLI::App &root, int &status);
void addTune(CLI::App &root, int &status);

} // namespace attn_jit::cli

#endif // ATTN_JIT_TOOLS_CLI_ARGUMENTS_H
