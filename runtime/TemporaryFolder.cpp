// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/TemporaryFolder.h"
#include "runtime/Printable.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

using namespace attn_jit;
using namespace attn_jit::rt;
namespace fs = std::filesystem;

Result<TemporaryFolder> TemporaryFolder::make(const std::string &stem,
                                              const std::string &in) {
  std::error_code fault;
  const fs::path folder =
      in.empty() ? fs::temp_directory_path(fault) : fs::path(in);
  if (fault)
    return failed("temporary folder: what TMPDIR names is none: " +
                  fault.message());
  std::string name = (folder / stem).string() + "XXXXXX";
  if (!mkdtemp(name.data()))
    return failed("temporary folder: none can be made in " +
                  inQuotes(folder.string()) + ": " + std::strerror(errno));
  return TemporaryFolder(std::move(name));
}

TemporaryFolder::TemporaryFolder(TemporaryFolder &&other) noexcept
    : name(std::exchange(other.name, {})), kept(other.kept) {}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!name.empty() && !kept)
    fs::remove_all(name, ignored);
}
