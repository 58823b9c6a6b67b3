// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ATTN_JIT_TOOLS_API_LIBRARYFOLDER_H
#define ATTN_JIT_TOOLS_API_LIBRARYFOLDER_H

#include <filesystem>

namespace attn_jit::api {

/// Where the library of this process lies, beside whose folder the program's
/// other files are: in the portable folder, in a build, and where it is
/// installed. Links are followed; empty where the system does not tell.
std::filesystem::path libraryFolder();

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_LIBRARYFOLDER_H
