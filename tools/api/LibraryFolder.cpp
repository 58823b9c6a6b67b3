// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/LibraryFolder.h"

#include <dlfcn.h>

using namespace attn_jit;
namespace fs = std::filesystem;

fs::path api::libraryFolder() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&libraryFolder), &info) ||
      !info.dli_fname)
    return {};
  std::error_code fault;
  return fs::canonical(info.dli_fname, fault).parent_path();
}
