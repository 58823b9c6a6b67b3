// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/RecordSources.h"
#include "tools/api/LibraryFolder.h"

using namespace attn_jit;
using namespace attn_jit::api;
namespace fs = std::filesystem;

static std::string bundledFolder() {
  const fs::path library = libraryFolder();
  if (library.empty())
    return {};
  std::error_code fault;
  for (const char *place : {"../templates", ATTN_JIT_INSTALLED_TEMPLATES}) {
    const fs::path folder = library / place;
    if (fs::is_directory(folder, fault))
      return folder.string();
  }
  return {};
}

RecordSources RecordSources::ofProcess(bool withStore) {
  RecordSources sources;
  static const auto bundled =
      std::make_shared<const tune::BundledRecords>(bundledFolder());
  sources.bundled = bundled;
  // What is wrong with the remotes is said by whoever fetches kernels.
  if (auto own = withStore ? RecordExchange::ofProcess()
                           : rt::Result<RecordExchange *>(nullptr))
    sources.own = *own;
  return sources;
}
