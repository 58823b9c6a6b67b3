// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files of the dump switch: the set of a kernel appears whole or not at all.
#include "tools/api/Dump.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

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
  add(options.calls.str());
  add(options.debugInfo ? "debug" : "");
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(hash));
  return std::string("attn_fwd_") + digits;
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
  std::vector<rt::FileContent> files;
  for (size_t i = 0; i < levelCount; ++i)
    if (!compiled.levels[i].empty())
      files.push_back({base + kSuffix[i], compiled.levels[i]});
  const std::string image = base + std::string(imageSuffix(compiled.kind));
  files.push_back({image, compiled.image});
  files.push_back({image + ".json", compiled.manifest});
  return rt::writeFiles(files);
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
