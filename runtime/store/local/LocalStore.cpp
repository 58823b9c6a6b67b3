// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading and publishing. No lock is needed to read: files only ever appear and
// disappear whole. Publications hold the lock "publish" shared, so that prune
// never takes an object between the look that finds it and the action that
// names it.
#include "runtime/store/local/LocalStore.h"
#include "runtime/store/files/Publish.h"
#include "runtime/store/files/StoredFile.h"
#include "runtime/store/local/ActionFile.h"
#include "runtime/store/local/ObjectFile.h"
#include "runtime/store/trust/Trust.h"

#include <algorithm>

using namespace attn_jit;
using namespace attn_jit::store;

/// Others may quarantine or publish the same name meanwhile.
static constexpr int mostAttempts = 4;
/// Prune holds its lock for one removal at a time; one that is stopped then is
/// not waited for.
static constexpr std::chrono::milliseconds publishLimit(2000);

std::string_view attn_jit::store::name(Miss miss) {
  switch (miss) {
  case Miss::Absent:
    return "absent";
  case Miss::Corrupt:
    return "corrupt";
  case Miss::Unreadable:
    return "unreadable";
  }
  return "";
}

LocalStore::LocalStore(CacheRoot root)
    : folder(std::move(root)), counters(std::make_shared<Counters>(folder)) {}

bool LocalStore::setAside(const std::string &path,
                          const struct stat &bad) const {
  if (folder.readOnly)
    return true;
  const bool moved = quarantine(Layout(folder), path, bad);
  if (moved)
    counters->add(Count::Quarantined);
  struct stat known;
  return moved || (lstat(path.c_str(), &known) == 0 &&
                   known.st_ino == bad.st_ino && known.st_dev == bad.st_dev);
}

LocalStore::LoadedObject
LocalStore::loadObject(const Digest &digest,
                       std::optional<int64_t> bytes) const {
  const std::string path = Layout(folder).file(Shelf::Objects, digest);
  ReadFile read = readStored(path, mostFrameBytes);
  LoadedObject loaded;
  loaded.miss = read.miss;
  if (read.file) {
    loaded.bytes = unpackObject(read.file->bytes, digest, bytes);
    if (loaded.bytes)
      return loaded;
    if (bytes && unpackObject(read.file->bytes, digest, std::nullopt)) {
      loaded.otherLength = true;
      return loaded;
    }
    loaded.miss = Miss::Corrupt;
  }
  if (loaded.miss == Miss::Corrupt)
    setAside(path, read.known);
  return loaded;
}

Lookup LocalStore::load(const Digest &key, Place place, Partial partial,
                        Mark mark) const {
  const std::string path = Layout(folder).file(shelfOf(place), key);
  ReadFile read = readStored(path, mostActionFileBytes);
  Lookup found;
  found.place = place;
  found.miss = read.miss;
  std::optional<ActionFile> file;
  if (read.file) {
    file = unpackAction(read.file->bytes, place, key);
    if (!file)
      found.miss = Miss::Corrupt;
  }
  if (!file) {
    if (found.miss == Miss::Corrupt && !setAside(path, read.known))
      found.miss = Miss::Absent;
    return found;
  }
  LoadedObject object = loadObject(file->action.object, file->action.bytes);
  if (object.bytes) {
    if (mark == Mark::Used && !folder.readOnly)
      markUse(path, read.known);
    found.origin = std::move(file->origin);
    found.entry = Entry{std::move(file->action), std::move(*object.bytes)};
    return found;
  }
  found.miss = object.miss;
  if (object.miss == Miss::Unreadable)
    return found;
  // Another host may see the action first (it remembers for a while that there
  // was no object), and prune may have come between the two reads.
  const bool seenTooEarly = partial == Partial::MayBeEarly &&
                            folder.sharedFileSystem && !object.otherLength &&
                            object.miss == Miss::Absent;
  found.miss =
      !seenTooEarly && setAside(path, read.known) ? Miss::Corrupt : object.miss;
  return found;
}

Lookup LocalStore::find(const Digest &key, Look look) const {
  Lookup found;
  if (folder) {
    found = load(key, Place::Own, Partial::MayBeEarly);
    if (!found.entry) {
      const Miss own = found.miss;
      found = load(key, Place::Foreign, Partial::MayBeEarly);
      if (!found.entry && found.miss == Miss::Absent)
        found.miss = own;
    }
  }
  if (found.entry)
    counters->add(found.place == Place::Own ? Count::OwnHits
                                            : Count::ForeignHits);
  else if (look == Look::First)
    counters->add(found.miss == Miss::Absent    ? Count::AbsentMisses
                  : found.miss == Miss::Corrupt ? Count::CorruptMisses
                                                : Count::UnreadableMisses);
  return found;
}

std::optional<std::string> LocalStore::object(const Digest &digest) const {
  if (!folder)
    return std::nullopt;
  return loadObject(digest, std::nullopt).bytes;
}

rt::Status LocalStore::keepObject(const Digest &digest,
                                  std::string_view object) {
  const Layout layout(folder);
  const std::string path = layout.file(Shelf::Objects, digest);
  std::string frame;
  for (int attempt = 0; attempt < mostAttempts; ++attempt) {
    // The mark keeps prune from taking what no action names yet.
    if (loadObject(digest, std::nullopt).bytes && markUseNow(path))
      return rt::success();
    if (frame.empty())
      frame = packObject(object);
    if (frame.empty())
      return rt::failed(path + ": cannot be compressed");
    ATTN_TRY(Published published,
             publishFile(layout.folder("tmp"), path, frame, storedMode));
    if (published.mine)
      return rt::success();
  }
  return rt::failed(path + ": what is in its place cannot be taken away");
}

rt::Status LocalStore::keep(const Action &action, std::string_view object,
                            Place place, std::string_view origin) {
  const Layout layout(folder);
  const Digest key = action.key.digest();
  const std::string path = layout.file(shelfOf(place), key);
  ATTN_CHECK(makeFolder(layout.folder("locks")));
  auto lock = FileLock::take(layout.lockFile("publish"), 0,
                             FileLock::Kind::Shared, publishLimit);
  // With itself: its signatures in their order.
  const Action kept = place == Place::Foreign ? merged(action, action) : action;
  for (int attempt = 0; attempt < mostAttempts; ++attempt) {
    if (load(key, place, Partial::IsBad).entry) {
      rt::Result<bool> changed = false;
      if (place == Place::Foreign)
        changed = mergeInto(kept, object, place, origin);
      if (!changed && changed.error().code == rt::ErrorCode::NotFound)
        continue;
      ATTN_CHECK(changed);
      counters->add(*changed ? Count::Published : Count::FoundThere);
      return rt::success();
    }
    ATTN_CHECK(keepObject(action.object, object));
    ATTN_TRY(Published published,
             publishFile(layout.folder("tmp"), path,
                         packAction(kept, place, origin), storedMode));
    if (published.mine) {
      counters->add(Count::Published);
      return rt::success();
    }
  }
  return rt::failed(path + ": what is in its place cannot be taken away");
}

std::string LocalStore::actionFile(const Digest &key, Place place) const {
  return folder ? Layout(folder).file(shelfOf(place), key) : std::string();
}

rt::Status LocalStore::publish(const Action &action, std::string_view object,
                               Place place, std::string_view origin) {
  if (place == Place::Foreign && !isOrigin(origin))
    return rt::badInput("origin: a URL without credentials is needed");
  if (action.bytes != int64_t(object.size()) || action.object != sha256(object))
    return rt::badInput("object: it is not the one that its action names");
  if (object.size() > mostObjectBytes)
    return rt::badInput("object: it has " + std::to_string(object.size()) +
                        " bytes, at most 67108864 are kept");
  const std::string text = action.text();
  if (auto again = Action::parse(text); !again || again->key != action.key)
    return rt::badInput("action: it has no text that can be read again");
  rt::Status done = !folder ? rt::failed(folder.absent)
                    : folder.readOnly
                        ? rt::failed(folder.path + ": it is read-only")
                        : keep(action, object, place, origin);
  if (!done)
    counters->add(Count::PublishFailed);
  return done;
}

std::optional<KeyLock>
LocalStore::lock(const Digest &key, std::chrono::milliseconds limit,
                 const std::function<bool()> &calledOff) const {
  std::optional<KeyLock> lock;
  if (!folder || folder.readOnly)
    return lock;
  const Layout layout(folder);
  if (!makeFolder(layout.folder("locks")))
    return lock;
  lock = FileLock::take(layout.lockFile(key.hex().substr(0, 2).c_str()),
                        lockByte(key), FileLock::Kind::Exclusive, limit,
                        calledOff);
  if (!lock && !(calledOff && calledOff()))
    counters->add(Count::LockLimits);
  return lock;
}
