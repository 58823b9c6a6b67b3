// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files of the dump switch. Invariant: a file has its name only when it is
// whole (temporary file beside it, then rename).
#include "tools/api/Dump.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::api;
namespace fs = std::filesystem;

CompileOptions CompileOptions::fromEnvironment() {
  CompileOptions options;
  if (const char *folder = std::getenv("ATTN_JIT_DUMP"))
    options.dumpFolder = folder;
  if (const char *folder = std::getenv("ATTN_JIT_OVERRIDE"))
    options.overrideFolder = folder;
  return options;
}

std::string api::stemOf(std::string_view module,
                        const CompileOptions &options) {
  uint64_t hash = 0xcbf29ce484222325; // FNV-1a, 64 bits
  auto add = [&](std::string_view text) {
    for (unsigned char byte : text)
      hash = (hash ^ byte) * 0x100000001b3;
    hash = (hash ^ 0x100) * 0x100000001b3; // no two lists of texts are one
  };
  add(module);
  add(options.target);
  add(options.schedule);
  add(options.hostLevel);
  add(std::to_string(options.alignment));
  add(options.debugInfo ? "debug" : "");
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(hash));
  return std::string("attn_fwd_") + digits;
}

rt::Status api::writeFile(const std::string &path, std::string_view bytes) {
  auto refused = [&](const char *what) {
    return rt::badInput(path + ": " + what + ": " + std::strerror(errno));
  };
  // Devices and pipes are written to; renaming would replace them.
  std::error_code ignored;
  const bool special = fs::exists(path, ignored) &&
                       !fs::is_regular_file(path, ignored) &&
                       !fs::is_directory(path, ignored);
  std::string temporary =
      special ? path : path + ".tmp" + std::to_string(getpid());
  const int file =
      open(temporary.c_str(),
           O_WRONLY | O_CREAT | O_CLOEXEC | (special ? 0 : O_TRUNC), 0666);
  if (file < 0)
    return refused("cannot be written");
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t count = write(file, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0) {
      auto error = refused("writing it failed");
      close(file);
      if (!special)
        unlink(temporary.c_str());
      return error;
    }
    done += size_t(count);
  }
  close(file);
  if (!special && std::rename(temporary.c_str(), path.c_str()) != 0) {
    auto error = refused("cannot be written");
    unlink(temporary.c_str());
    return error;
  }
  return rt::success();
}

rt::Status Dump::write(const Compiled &compiled) const {
  if (folder.empty())
    return rt::success();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return rt::badInput(
        "ATTN_JIT_DUMP: '" + folder +
        "' given, which is no folder that can be made: " + error.message());
  const std::string base = (fs::path(folder) / stem).string();
  static constexpr const char *kSuffix[levelCount] = {
      ".attn.mlir", ".tile.mlir", ".lowered.mlir", ".ll", ".s", ".o"};
  for (size_t i = 0; i < levelCount; ++i)
    if (!compiled.levels[i].empty())
      ATTN_CHECK(writeFile(base + kSuffix[i], compiled.levels[i]));
  ATTN_CHECK(writeFile(base + std::string(imageSuffix(compiled.kind)),
                       compiled.image));
  return writeFile(base + ".json", compiled.manifest);
}

std::optional<Dump::Replacement>
Dump::replacement(std::string_view suffix) const {
  if (overrides.empty())
    return std::nullopt;
  auto read = [&](std::string_view end) -> std::optional<Replacement> {
    const std::string path =
        (fs::path(overrides) / (stem + std::string(end))).string();
    std::ifstream file(path, std::ios::binary);
    if (!file)
      return std::nullopt;
    return Replacement{path, std::string(std::istreambuf_iterator<char>(file),
                                         std::istreambuf_iterator<char>())};
  };
  if (suffix != ".mlir")
    return read(suffix);
  if (auto tile = read(".tile.mlir"))
    return tile;
  return read(".attn.mlir");
}
