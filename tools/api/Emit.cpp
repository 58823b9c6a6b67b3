// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kinds of output, by target, and an image with its manifest on disk.
#include "tools/api/Emit.h"
#include "runtime/Printable.h"
#include "tools/api/Inspect.h"

#include <filesystem>

using namespace attn_jit;
using namespace attn_jit::api;
namespace fs = std::filesystem;

/// What `--emit mlir` writes, in this order, as mlir-opt's
/// --split-input-file reads it.
static constexpr std::pair<std::string_view, Level> kModules[] = {
    {"attn", Level::Attn}, {"tile", Level::Tile}, {"lowered", Level::Lowered}};

static std::string imageKindOf(const std::string &target) {
  if (target.rfind("sm_", 0) == 0)
    return "ptx";
  return target.rfind("gfx", 0) == 0 ? "hsaco" : "host";
}

rt::Result<std::string> api::resolveEmit(const std::string &kind,
                                         const std::string &target) {
  ATTN_CHECK(checkTarget(target));
  const std::string image = imageKindOf(target);
  std::vector<std::string> allowed = {"mlir",    "attn", "tile",
                                      "lowered", "llvm", "asm"};
  if (image != "ptx")
    allowed.push_back("obj");
  allowed.push_back(image);
  if (image == "ptx")
    allowed.push_back("cubin");
  if (kind.empty())
    return image;
  std::string list;
  for (const std::string &each : allowed) {
    if (each == kind)
      return kind;
    list += (list.empty() ? "" : ", ") + each;
  }
  return rt::badInput("emit: " + rt::inQuotes(kind) + " given, allowed for " +
                      target + ": " + list);
}

bool api::isImage(std::string_view emit) {
  return emit == "ptx" || emit == "cubin" || emit == "hsaco" || emit == "host";
}

bool api::isText(std::string_view emit) {
  return emit == "ptx" || (!isImage(emit) && emit != "obj");
}

rt::Result<std::string> api::emitted(Compiled &compiled,
                                     std::string_view emit) {
  if (emit == "cubin") {
    if (findPtxas().empty())
      return rt::notFound("emit: cubin given, which needs ptxas (looked on "
                          "PATH, in $CUDA_HOME/bin, in /usr/local/cuda/bin); "
                          "allowed without: ptx");
    Assembled made;
    ATTN_CHECK(addPtxasReport(compiled, &made));
    compiled.image = std::move(made.cubin);
    compiled.kind = rt::ImageKind::Cubin;
    return compiled.image;
  }
  if (isImage(emit))
    return compiled.image;
  constexpr std::pair<std::string_view, Level> kLevels[] = {
      {"attn", Level::Attn}, {"tile", Level::Tile}, {"lowered", Level::Lowered},
      {"llvm", Level::LLVM}, {"asm", Level::Asm},   {"obj", Level::Object}};
  std::string modules;
  for (auto [name, level] : kModules)
    if (emit == "mlir" && !compiled.level(level).empty())
      modules += (modules.empty() ? "// " : "\n// -----\n// ") +
                 std::string(name) + "\n" + compiled.level(level);
  if (!modules.empty())
    return modules;
  for (auto [name, level] : kLevels)
    if (name == emit && !compiled.level(level).empty())
      return compiled.level(level);
  return rt::unsupported("emit: '" + std::string(emit) +
                         "' given, which this compile does not pass through");
}

rt::Status api::writeImage(const Compiled &compiled, const std::string &path,
                           std::span<const rt::FileContent> beside) {
  const fs::path image(path);
  if (image.extension() == ".json" || !image.has_filename())
    return rt::badInput("o: '" + path +
                        "' given, allowed: an image's name; its manifest "
                        "takes the same one with .json added");
  const std::string manifest = manifestFor(compiled, image.filename().string());
  std::vector<rt::FileContent> files = {{path, compiled.image}};
  // Nothing lies beside a device or a pipe.
  std::error_code unknown;
  if (!fs::exists(image, unknown) || fs::is_regular_file(image, unknown))
    files.push_back({path + ".json", manifest});
  files.insert(files.end(), beside.begin(), beside.end());
  return rt::writeFiles(files);
}
