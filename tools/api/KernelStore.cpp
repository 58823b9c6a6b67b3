// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Images as entries of a store, and back. What does not read as the image that
// its key asks for is compiled anew; it is no error of the caller.
#include "tools/api/KernelStore.h"

using namespace attn_jit;
using namespace attn_jit::api;

/// As long as a compilation takes on a slow and busy host. Whoever waited so
/// long compiles for itself.
static constexpr std::chrono::seconds lockLimit{60};

KernelStore &KernelStore::ofProcess() {
  static KernelStore store(store::findCacheRoot());
  return store;
}

static std::optional<rt::ImageKind> kindOf(std::string_view text) {
  for (rt::ImageKind kind : {rt::ImageKind::Ptx, rt::ImageKind::Cubin,
                             rt::ImageKind::Hsaco, rt::ImageKind::Host})
    if (rt::name(kind) == text)
      return kind;
  return std::nullopt;
}

/// The compiler's result as it was, but for its times and its texts.
static std::optional<Compiled> compiledOf(store::Entry entry) {
  const auto kind = kindOf(entry.action.kind);
  auto manifest = rt::parseManifest(entry.action.manifest);
  if (!kind || !manifest || manifest->imageKind != *kind)
    return std::nullopt;
  Compiled compiled;
  compiled.kind = *kind;
  compiled.image = std::move(entry.object);
  compiled.manifest = std::move(entry.action.manifest);
  compiled.stem = manifest->imageFile.substr(0, manifest->imageFile.rfind('.'));
  compiled.key = std::move(manifest->key);
  compiled.schedule = std::move(manifest->schedule);
  compiled.scheduleSource = std::move(manifest->scheduleSource);
  compiled.kernel = std::move(manifest->kernel);
  compiled.target = std::move(manifest->target);
  compiled.resources = std::move(manifest->resources);
  return compiled;
}

static store::Action actionOf(const store::Key &key, rt::ImageKind kind,
                              std::string_view image, std::string manifest) {
  store::Action action;
  action.key = key;
  action.kind = rt::name(kind);
  action.object = store::sha256(image);
  action.bytes = int64_t(image.size());
  action.manifest = std::move(manifest);
  return action;
}

std::optional<Compiled> KernelStore::find(const store::Digest &key) const {
  store::Lookup found = local.find(key);
  // What came from elsewhere runs with a listed key's signature alone.
  if (!found.entry || found.place != store::Place::Own)
    return std::nullopt;
  return compiledOf(std::move(*found.entry));
}

rt::Result<KernelStore::Image>
KernelStore::image(const store::Key &key,
                   const std::function<rt::Result<Compiled>()> &make) {
  const store::Digest digest = key.digest();
  const auto start = std::chrono::steady_clock::now();
  auto kept = [&]() -> std::optional<Image> {
    auto found = find(digest);
    if (!found)
      return std::nullopt;
    found->times.totalMs = std::chrono::duration<double, std::milli>(
                               std::chrono::steady_clock::now() - start)
                               .count();
    return Image{std::move(*found), From::Disk};
  };
  if (auto found = kept())
    return std::move(*found);
  auto lock = local.lock(digest, lockLimit);
  if (lock)
    if (auto found = kept())
      return std::move(*found);
  ATTN_TRY(Compiled made, make());
  // What cannot be kept is used all the same.
  const bool published =
      local
          .publish(actionOf(key, made.kind, made.image, made.manifest),
                   made.image)
          .ok();
  lock.reset();
  // A process that only finds has nothing to make room for.
  if (published)
    local.pruneIfDue({});
  return Image{std::move(made), From::Compiler};
}
