// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The list is made without a lock and is old when it is used, so each file is
// looked at again before it goes: what was used or published meanwhile stays.
// Time is the file system's, which all hosts that share it see alike.
#include "runtime/store/local/Prune.h"
#include "runtime/store/files/Publish.h"
#include "runtime/store/files/Random.h"
#include "runtime/store/files/StoredFile.h"
#include "runtime/store/local/ActionFile.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <numeric>
#include <set>
#include <unistd.h>

using namespace attn_jit::store;

static constexpr int64_t day = 24 * 3600;
static constexpr int64_t temporarySeconds = 2 * day;
static constexpr int64_t quarantineSeconds = 30 * day;
/// For publications that are under way, each a few milliseconds.
static constexpr std::chrono::milliseconds publishersLimit(100);

Removal attn_jit::store::planRemoval(const std::vector<ListedFile> &actions,
                                     const std::vector<ListedFile> &objects,
                                     const PruneLimits &limits, int64_t now) {
  std::map<Digest, size_t> objectOf;
  for (size_t i = 0; i < objects.size(); ++i)
    if (objects[i].object)
      objectOf.emplace(*objects[i].object, i);
  std::vector<int64_t> uses(objects.size());
  int64_t total = 0;
  for (const ListedFile &action : actions) {
    total += action.known.st_size;
    if (auto found =
            action.object ? objectOf.find(*action.object) : objectOf.end();
        found != objectOf.end())
      ++uses[found->second];
  }
  Removal removal;
  for (size_t i = 0; i < objects.size(); ++i) {
    const int64_t last = lastUse(objects[i].known, now);
    if (uses[i] == 0 && last >= 0 && now - last > orphanSeconds)
      removal.objects.push_back(i);
    else
      total += objects[i].known.st_size;
  }
  // What no clock dates is ordered by what its mark says, among its like.
  std::vector<size_t> order(actions.size());
  std::iota(order.begin(), order.end(), size_t(0));
  auto rank = [&](size_t i) {
    const int64_t last = lastUse(actions[i].known, now);
    const struct timespec &mark = actions[i].known.st_mtim;
    return std::tuple(last, int64_t(mark.tv_sec), int64_t(mark.tv_nsec));
  };
  std::ranges::sort(order, {}, rank);
  const int64_t age = std::chrono::seconds(limits.age).count();
  for (const size_t i : order) {
    const int64_t last = lastUse(actions[i].known, now);
    const bool old = last >= 0 && now - last > age;
    if (!old && total <= limits.bytes)
      continue;
    removal.actions.push_back(i);
    total -= actions[i].known.st_size;
    if (auto found = actions[i].object ? objectOf.find(*actions[i].object)
                                       : objectOf.end();
        found != objectOf.end() && --uses[found->second] == 0) {
      removal.objects.push_back(found->second);
      total -= objects[found->second].known.st_size;
    }
  }
  return removal;
}

/// What a new file is stamped with there, or this host's time.
static int64_t timeThere(const Layout &layout) {
  const std::string path = layout.folder("tmp") + "/" + randomHex(8);
  int64_t now = time(nullptr);
  struct stat known;
  if (replaceFile(layout.folder("tmp"), path, "") &&
      lstat(path.c_str(), &known) == 0)
    now = known.st_mtime;
  unlink(path.c_str());
  return now;
}

static bool sameMark(const struct stat &one, const struct stat &other) {
  return one.st_ino == other.st_ino &&
         one.st_mtim.tv_sec == other.st_mtim.tv_sec &&
         one.st_mtim.tv_nsec == other.st_mtim.tv_nsec;
}

/// In bytes; 0 where it was used since it was listed, or stays.
static int64_t remove(const ListedFile &file) {
  struct stat known;
  if (lstat(file.path.c_str(), &known) != 0 || !sameMark(known, file.known) ||
      unlink(file.path.c_str()) != 0)
    return 0;
  return known.st_size;
}

static std::vector<ListedFile> listed(const Layout &layout, Shelf shelf) {
  std::vector<ListedFile> files;
  eachStored(layout, shelf,
             [&](const std::string &, const std::string &path,
                 const std::optional<Digest> &digest) {
               ListedFile file{path, {}, std::nullopt};
               if (lstat(path.c_str(), &file.known) != 0 ||
                   !S_ISREG(file.known.st_mode))
                 return;
               if (shelf == Shelf::Objects) {
                 file.object = digest;
               } else if (ReadFile read = readStored(path, mostActionFileBytes);
                          read.file && digest) {
                 const Place place =
                     shelf == Shelf::Actions ? Place::Own : Place::Foreign;
                 if (auto action =
                         unpackAction(read.file->bytes, place, *digest))
                   file.object = action->action.object;
               }
               files.push_back(std::move(file));
             });
  return files;
}

/// Files of a folder that are older; what is no file stays.
static int64_t sweep(const std::string &folder, int64_t seconds, int64_t now) {
  int64_t bytes = 0;
  eachName(folder, [&](const std::string &name) {
    ListedFile file{folder + "/" + name, {}, std::nullopt};
    if (lstat(file.path.c_str(), &file.known) != 0)
      return;
    const int64_t last = lastUse(file.known, now);
    if (last >= 0 && now - last > seconds)
      bytes += remove(file);
  });
  return bytes;
}

int64_t LocalStore::prune(const PruneLimits &limits) {
  const Layout layout(folder);
  if (!folder || folder.readOnly || !makeFolder(layout.folder("locks")) ||
      !makeFolder(layout.folder("tmp")))
    return 0;
  auto lock =
      FileLock::take(layout.lockFile("prune"), 0, FileLock::Kind::Exclusive,
                     std::chrono::milliseconds(0));
  if (!lock)
    return 0;
  const int64_t now = timeThere(layout);
  // Objects first: one that is published after its shelf was listed is not in
  // the list, whatever names it.
  const std::vector<ListedFile> objects = listed(layout, Shelf::Objects);
  std::vector<ListedFile> actions = listed(layout, Shelf::Actions);
  for (ListedFile &file : listed(layout, Shelf::Foreign))
    actions.push_back(std::move(file));
  const Removal removal = planRemoval(actions, objects, limits, now);
  int64_t bytes = 0;
  std::set<Digest> stillNamed;
  for (const size_t i : removal.actions) {
    const int64_t removed = remove(actions[i]);
    bytes += removed;
    if (removed == 0 && actions[i].object)
      stillNamed.insert(*actions[i].object);
  }
  for (const size_t i : removal.objects) {
    if (objects[i].object && stillNamed.contains(*objects[i].object))
      continue;
    // A publication marks what it is about to name: then it stays.
    if (auto alone = FileLock::take(layout.lockFile("publish"), 0,
                                    FileLock::Kind::Exclusive, publishersLimit))
      bytes += remove(objects[i]);
  }
  bytes += sweep(layout.folder("tmp"), temporarySeconds, now);
  bytes += sweep(layout.folder("quarantine"), quarantineSeconds, now);
  (void)replaceFile(layout.folder("tmp"), layout.folder("pruned"), "");
  counters->add(Count::PrunedBytes, bytes);
  return bytes;
}

int64_t LocalStore::pruneIfDue(const PruneLimits &limits) {
  if (!folder || folder.readOnly)
    return 0;
  struct stat known;
  if (lstat(Layout(folder).folder("pruned").c_str(), &known) == 0) {
    const int64_t age = int64_t(time(nullptr)) - known.st_mtime;
    if (age >= 0 && age < day)
      return 0;
  }
  return prune(limits);
}
