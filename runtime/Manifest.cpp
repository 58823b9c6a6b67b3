// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a manifest as docs/manifest.md describes it. Unknown fields are
// ignored, an unknown format is refused, nothing throws.
#include "runtime/JsonDepth.h"
#include "runtime/ManifestReader.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

using namespace attn_jit::rt;

static constexpr const char *formatName = "attn-jit.manifest.v1";
static constexpr size_t maxManifestBytes = 1 << 20;

static Status readOptionalString(const Json &root, const char *key,
                                 std::string &to, size_t most = 65536) {
  if (const Json *json = member(root, key); json && !json->is_null()) {
    ATTN_TRY(to, readString(*json, key, most));
  }
  return success();
}

static Status readTriple(const Json &json, const std::string &field,
                         int64_t product, std::array<uint32_t, 3> &to) {
  ATTN_TRY(const Json *sizes, readArray(json, field, 3, 3));
  int64_t all = 1;
  for (size_t i = 0; i < 3; ++i) {
    ATTN_TRY(int64_t size,
             readInteger((*sizes)[i], field + "[" + std::to_string(i) + "]", 1,
                         product));
    to[i] = uint32_t(size);
    all *= size;
  }
  if (all > product)
    return fieldError(field, json,
                      "a product of at most " + std::to_string(product));
  return success();
}

static Status readImage(const Json &root, Manifest &manifest) {
  ATTN_TRY(const Json *image,
           required(root, "image", "{\"kind\": ..., \"file\": ...}"));
  const Json *kind = member(*image, "kind");
  bool known = false;
  for (ImageKind each :
       {ImageKind::Ptx, ImageKind::Cubin, ImageKind::Hsaco, ImageKind::Host})
    if (kind && kind->is_string() &&
        kind->get_ref<const std::string &>() == name(each)) {
      manifest.imageKind = each;
      known = true;
    }
  if (!known)
    return fieldError("image.kind", orNull(kind), "ptx, cubin, hsaco, host");
  const Json *file = member(*image, "file");
  ATTN_TRY(manifest.imageFile,
           readString(orNull(file), "image.file", 255, /*mayBeEmpty=*/false));
  // The image lies beside its manifest; a path could point anywhere.
  if (manifest.imageFile.find_first_of(std::string_view("/\0", 2)) !=
          std::string::npos ||
      manifest.imageFile == "." || manifest.imageFile == "..")
    return fieldError("image.file", *file, "a file name without a folder");
  return success();
}

static Status readResources(const Json &root, Resources &resources) {
  const Json *json = member(root, "resources");
  if (!json || json->is_null())
    return success();
  if (!json->is_object())
    return fieldError("resources", *json, "an object");
  const std::pair<const char *, std::optional<int64_t> *> numbers[] = {
      {"registers", &resources.registers},
      {"spills", &resources.spills},
      {"shared_bytes", &resources.sharedBytes}};
  for (const auto &[key, to] : numbers)
    if (const Json *number = member(*json, key); number && !number->is_null()) {
      ATTN_TRY(*to, readInteger(*number, std::string("resources.") + key, 0,
                                INT32_MAX));
    }
  if (const Json *occupancy = member(*json, "occupancy");
      occupancy && !occupancy->is_null()) {
    if (!occupancy->is_number())
      return fieldError("resources.occupancy", *occupancy, "a number or null");
    resources.occupancy = occupancy->get<double>();
  }
  if (const Json *source = member(*json, "source");
      source && !source->is_null()) {
    ATTN_TRY(resources.source, readString(*source, "resources.source", 4096));
  }
  return success();
}

/// An array of strings that all pass `allows`.
static Status readNames(const Json &root, const char *key,
                        bool (*allows)(const std::string &),
                        const char *allowed, std::vector<std::string> &to) {
  const Json *json = member(root, key);
  if (!json)
    return success();
  ATTN_TRY(const Json *names, readArray(*json, key, 0, maxArguments));
  for (size_t i = 0; i < names->size(); ++i) {
    const std::string field = std::string(key) + "[" + std::to_string(i) + "]";
    ATTN_TRY(std::string name, readString((*names)[i], field, 128, false));
    if (!allows(name))
      return fieldError(field, (*names)[i], allowed);
    to.push_back(std::move(name));
  }
  return success();
}

static bool isIdentifier(const std::string &name) {
  return !std::isdigit((unsigned char)name[0]) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '_';
         });
}

static Status readArguments(const Json &root, Manifest &manifest) {
  ATTN_TRY(const Json *json, required(root, "arguments", "an array"));
  ATTN_TRY(const Json *arguments,
           readArray(*json, "arguments", 0, maxArguments));
  uint32_t offset = 0;
  for (size_t i = 0; i < arguments->size(); ++i) {
    const std::string field = "arguments[" + std::to_string(i) + "]";
    ATTN_TRY(Argument argument, readArgument((*arguments)[i], field, manifest));
    const uint32_t alignment = argument.alignment();
    argument.offset = (offset + alignment - 1) / alignment * alignment;
    offset = argument.offset + argument.size();
    if (offset > maxArgumentBytes)
      return badInput("manifest: arguments: " + std::to_string(offset) +
                      " bytes given, allowed: at most " +
                      std::to_string(maxArgumentBytes));
    manifest.arguments.push_back(std::move(argument));
  }
  manifest.argumentBytes = offset;
  return success();
}

static Status readGeometry(const Json &root, Manifest &manifest) {
  ATTN_TRY(const Json *block, required(root, "block", "3 integers"));
  ATTN_CHECK(readTriple(*block, "block", 1024, manifest.block));
  if (const Json *cluster = member(root, "cluster"))
    ATTN_CHECK(readTriple(*cluster, "cluster", 8, manifest.cluster));
  ATTN_TRY(const Json *grid, required(root, "grid", "3 rules"));
  ATTN_TRY(const Json *rules, readArray(*grid, "grid", 3, 3));
  for (size_t i = 0; i < 3; ++i) {
    ATTN_TRY(manifest.grid[i],
             readGridRule((*rules)[i], "grid[" + std::to_string(i) + "]"));
  }
  if (const Json *shared = member(root, "shared_bytes")) {
    ATTN_TRY(manifest.sharedBytes,
             readInteger(*shared, "shared_bytes", 0, 1 << 24));
  }
  if (const Json *workspace = member(root, "workspace_bytes")) {
    ATTN_TRY(manifest.workspaceBytes,
             readInteger(*workspace, "workspace_bytes", 0, int64_t(1) << 48));
  }
  if (const Json *json = member(root, "requires")) {
    ATTN_TRY(const Json *rules, readArray(*json, "requires", 0, 64));
    for (size_t i = 0; i < rules->size(); ++i) {
      ATTN_TRY(
          Requirement rule,
          readRequirement((*rules)[i], "requires[" + std::to_string(i) + "]"));
      manifest.requirements.push_back(std::move(rule));
    }
  }
  return success();
}

Result<Manifest> attn_jit::rt::parseManifest(std::string_view text) {
  if (text.size() > maxManifestBytes)
    return badInput("manifest: " + std::to_string(text.size()) +
                    " bytes given, allowed: at most " +
                    std::to_string(maxManifestBytes));
  if (nestsTooDeep(text))
    return badInput("manifest: values in one another deeper than " +
                    std::to_string(maxJsonDepth) +
                    " given, allowed: what docs/manifest.md describes");
  const Json root = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded() || !root.is_object())
    return badInput("manifest: text that is no JSON object given, allowed: "
                    "what docs/manifest.md describes");
  const Json *format = member(root, "format");
  if (!format || *format != formatName)
    return fieldError("format", orNull(format), formatName);

  Manifest manifest;
  ATTN_TRY(const Json *target, required(root, "target", "a chip's name"));
  ATTN_TRY(manifest.target, readString(*target, "target", 64, false));
  ATTN_TRY(const Json *kernel, required(root, "kernel", "the entry's name"));
  ATTN_TRY(manifest.kernel, readString(*kernel, "kernel", 1024, false));
  ATTN_CHECK(readImage(root, manifest));
  ATTN_CHECK(readOptionalString(root, "key", manifest.key));
  ATTN_CHECK(readOptionalString(root, "description", manifest.description));
  ATTN_CHECK(readOptionalString(root, "schedule", manifest.schedule));
  ATTN_CHECK(
      readOptionalString(root, "schedule_source", manifest.scheduleSource));
  ATTN_CHECK(readOptionalString(root, "dtype", manifest.dtype, 64));

  ATTN_TRY(const Json *headDim, required(root, "head_dim", "1 to 65536"));
  ATTN_TRY(manifest.headDim, readInteger(*headDim, "head_dim", 1, 65536));
  ATTN_TRY(const Json *valueDim, required(root, "value_dim", "1 to 65536"));
  ATTN_TRY(manifest.valueDim, readInteger(*valueDim, "value_dim", 1, 65536));
  if (const Json *causal = member(root, "causal")) {
    if (!causal->is_boolean())
      return fieldError("causal", *causal, "true, false");
    manifest.causal = causal->get<bool>();
  }
  ATTN_CHECK(readGeometry(root, manifest));
  ATTN_CHECK(readNames(root, "captured", isIdentifier,
                       "a name of letters, digits and underscores",
                       manifest.capturedNames));
  ATTN_CHECK(readNames(
      root, "features", [](const std::string &) { return true; }, "",
      manifest.features));
  ATTN_CHECK(readArguments(root, manifest));
  ATTN_CHECK(readResources(root, manifest.resources));
  return manifest;
}

template <typename Bytes>
static Status readFile(const std::string &path, const char *field, Bytes &to) {
  std::FILE *file = std::fopen(path.c_str(), "rb");
  bool whole = file != nullptr;
  char part[65536];
  while (whole) {
    const size_t count = std::fread(part, 1, sizeof part, file);
    const auto *bytes = reinterpret_cast<typename Bytes::value_type *>(part);
    to.insert(to.end(), bytes, bytes + count);
    if (count < sizeof part) {
      // A folder opens and then fails to read.
      whole = !std::ferror(file);
      break;
    }
  }
  if (file)
    std::fclose(file);
  return whole ? success()
               : Status(notFound(std::string(field) + ": '" + path +
                                 "' given, a readable file is needed"));
}

Result<KernelFiles>
attn_jit::rt::readKernelFiles(const std::string &manifestPath) {
  std::string json;
  ATTN_CHECK(readFile(manifestPath, "manifest", json));
  KernelFiles files;
  ATTN_TRY(files.manifest, parseManifest(json));
  const size_t slash = manifestPath.rfind('/');
  files.imagePath =
      (slash == std::string::npos ? "" : manifestPath.substr(0, slash + 1)) +
      files.manifest.imageFile;
  ATTN_CHECK(readFile(files.imagePath, "image.file", files.image));
  return files;
}
