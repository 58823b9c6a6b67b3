// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Images as entries of a store, and back. What does not read as the image that
// its key asks for is compiled anew; it is no error of the caller.
#include "tools/api/KernelStore.h"
#include "runtime/store/records/RecordStore.h"
#include "runtime/store/remote/RemoteConfig.h"
#include "runtime/store/trust/Trust.h"

#include <map>

using namespace attn_jit;
using namespace attn_jit::api;

/// As long as a compilation takes on a slow and busy host. Whoever waited so
/// long compiles for itself.
static constexpr std::chrono::seconds lockLimit{60};
/// For all remotes together, of who would rather wait than compile.
static constexpr std::chrono::seconds remoteLimit{60};

/// What this disk has, for a server that lost its contents. It owns what it
/// uses: it may run when its store is gone.
static store::Refill refillFrom(const store::LocalStore &local) {
  store::Refill refill;
  refill.entries = [local](const auto &visit) {
    bool more = true;
    local.each([&](const store::Action &action, store::Place place,
                   const std::string &) {
      if (!more || place != store::Place::Own || !store::travels(action))
        return;
      if (auto object = local.object(action.object))
        more = visit({action, std::move(*object)});
    });
  };
  refill.records = [root = local.root()](const auto &visit) {
    auto records = store::openRecords(root);
    if (!records)
      return;
    // By problem: a remote may keep what it is given at once as one segment.
    std::map<store::Digest, std::vector<std::string>> lines;
    (void)(*records)
        ->each([&](const store::StoredRecord &each) {
          if (each.voice == store::Voice::Own)
            lines[each.record.problemDigest()].push_back(each.record.line());
        })
        .ok();
    for (const auto &[problem, some] : lines)
      if (!visit(problem, some))
        return;
  };
  return refill;
}

KernelStore::KernelStore(store::CacheRoot root,
                         std::span<const store::RemoteOptions> remotes)
    : local(std::move(root)) {
  if (remotes.empty())
    return;
  auto opened =
      store::Tiers::open(remotes, local.root().path, refillFrom(local));
  if (opened)
    tiers = std::move(*opened);
  else
    fault = opened.takeError();
}

rt::Result<KernelStore *> KernelStore::ofProcess() {
  static const rt::Result<std::vector<store::RemoteOptions>> remotes =
      store::configuredRemotes();
  if (!remotes)
    return remotes.error();
  static KernelStore store(store::findCacheRoot(), *remotes);
  if (store.fault)
    return *store.fault;
  return &store;
}

static std::optional<rt::ImageKind> kindOf(std::string_view text) {
  for (rt::ImageKind kind : {rt::ImageKind::Ptx, rt::ImageKind::Cubin,
                             rt::ImageKind::Hsaco, rt::ImageKind::Host})
    if (rt::name(kind) == text)
      return kind;
  return std::nullopt;
}

store::Entry api::entryOf(const store::Key &key, const Compiled &compiled) {
  store::Entry entry;
  entry.action.key = key;
  entry.action.kind = rt::name(compiled.kind);
  entry.action.object = store::sha256(compiled.image);
  entry.action.bytes = int64_t(compiled.image.size());
  entry.action.manifest = compiled.manifest;
  entry.object = compiled.image;
  return entry;
}

std::optional<Compiled> api::compiledOf(store::Entry entry) {
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

/// What came from elsewhere, if it may run. The keys are read each time: one
/// may have been revoked since.
static std::optional<Compiled> admitted(const store::Key &wanted,
                                        store::Entry entry,
                                        const std::string &origin) {
  auto keys = store::TrustedKeys::load();
  if (!keys)
    return std::nullopt;
  auto signer = store::verifyEntry(*keys, wanted, entry);
  if (!signer)
    return std::nullopt;
  auto compiled = compiledOf(std::move(entry));
  if (compiled) {
    compiled->origin = origin;
    compiled->signer = std::move(*signer);
  }
  return compiled;
}

std::optional<Compiled> KernelStore::onDisk(const store::Key &key,
                                            store::Look look) const {
  store::Lookup found = local.find(key.digest(), look);
  if (!found.entry)
    return std::nullopt;
  return found.place == store::Place::Own
             ? compiledOf(std::move(*found.entry))
             : admitted(key, std::move(*found.entry), found.origin);
}

std::optional<Compiled> KernelStore::fetched(const store::Key &key,
                                             const store::FetchedEntry &found) {
  auto compiled = admitted(key, found.entry, found.origin);
  if (compiled)
    (void)local
        .publish(found.entry.action, found.entry.object, store::Place::Foreign,
                 found.origin)
        .ok();
  return compiled;
}

/// What cannot be kept is used all the same.
void KernelStore::keep(const store::Key &key, const Compiled &made) {
  store::Entry entry = entryOf(key, made);
  if (auto own = store::SigningKey::ofUser(); own && *own)
    store::signAction(**own, entry.action);
  (void)local.publish(entry.action, entry.object).ok();
  if (tiers)
    tiers->offer(std::move(entry));
}

std::optional<KernelStore::Image> KernelStore::find(const store::Key &key) {
  const auto start = std::chrono::steady_clock::now();
  Image image;
  auto found = onDisk(key);
  image.from = found ? From::Disk : From::Remote;
  // Without a listed key nothing that comes could run.
  if (const auto keys = store::TrustedKeys::load();
      !found && tiers && keys && !keys->keys().empty())
    if (auto came = tiers->fetch(key.digest()).wait(start + remoteLimit))
      found = fetched(key, *came);
  if (!found)
    return std::nullopt;
  image.compiled = std::move(*found);
  image.compiled.times.totalMs = std::chrono::duration<double, std::milli>(
                                     std::chrono::steady_clock::now() - start)
                                     .count();
  return image;
}

rt::Result<KernelStore::Image>
KernelStore::image(const store::Key &key, const Make &make,
                   const CalledOff &nobodyWaits) {
  const auto start = std::chrono::steady_clock::now();
  auto with = [&](Compiled found, From from) {
    found.times.totalMs = std::chrono::duration<double, std::milli>(
                              std::chrono::steady_clock::now() - start)
                              .count();
    return Image{std::move(found), from};
  };
  if (auto found = onDisk(key))
    return with(std::move(*found), From::Disk);
  const store::Digest digest = key.digest();
  std::optional<store::FleetLookup> elsewhere;
  std::optional<store::TrustedKeys> keys;
  if (tiers) {
    // Without a listed key nothing that comes could run.
    if (auto listed = store::TrustedKeys::load())
      keys = std::move(*listed);
    if (keys && !keys->keys().empty())
      elsewhere.emplace(*tiers, fleet, digest);
  }
  auto lock = local.lock(digest, lockLimit, nobodyWaits);
  if (lock)
    if (auto found = onDisk(key, store::Look::Again))
      return with(std::move(*found), From::Disk);
  // Each answer is looked at once; one that may not run ends the asking.
  std::optional<Compiled> came;
  auto take = [&](const std::optional<store::FetchedEntry> &found) {
    if (found && !(came = fetched(key, *found)))
      elsewhere.reset();
  };
  auto calledOff = [&] {
    if (!came && elsewhere)
      take(elsewhere->poll(*keys));
    return came || (elsewhere && elsewhere->madeElsewhere());
  };
  auto made = make(calledOff);
  while (!came && !made && elsewhere && elsewhere->madeElsewhere()) {
    take(elsewhere->await());
    if (!came)
      made = make(calledOff);
  }
  if (!came && !made)
    return made.takeError();
  if (!came)
    keep(key, *made);
  lock.reset();
  // Something was published; who only finds has nothing to make room for.
  local.pruneIfDue({});
  if (came)
    return with(std::move(*came), From::Remote);
  return Image{std::move(*made), From::Compiler};
}
