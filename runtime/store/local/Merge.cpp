// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Entries that are there and become others: only their signatures grow, or of
// two foreign bodies one gives way. Rewriters of one key take turns, so that no
// signature is lost; readers meet the old file or the new one.
#include "runtime/store/files/Publish.h"
#include "runtime/store/files/StoredFile.h"
#include "runtime/store/local/ActionFile.h"
#include "runtime/store/trust/Trust.h"

#include <algorithm>
#include <fcntl.h>

using namespace attn_jit;
using namespace attn_jit::store;

/// Others that merge take milliseconds; where nothing can be locked, the last
/// one wins.
static constexpr std::chrono::milliseconds mergeLimit(2000);

rt::Result<bool> LocalStore::mergeInto(const Action &action,
                                       std::string_view object, Place place,
                                       std::string_view origin) {
  const Layout layout(folder);
  const Digest key = action.key.digest();
  const std::string path = layout.file(shelfOf(place), key);
  const auto lock = FileLock::take(layout.lockFile("merge"), lockByte(key),
                                   FileLock::Kind::Exclusive, mergeLimit);
  const Lookup there = load(key, place, Partial::IsBad);
  if (!there.entry)
    return rt::notFound(path + ": it went away meanwhile");
  const Action &old = there.entry->action;
  const Action whole = merged(old, action);
  const std::string body = whole.body();
  const bool wasThere = body == old.body(), isGiven = body == action.body();
  const std::string_view from =
      !isGiven    ? there.origin
      : !wasThere ? origin
                  : std::min<std::string_view>(there.origin, origin);
  const std::string text = packAction(whole, place, from);
  if (text == packAction(old, place, there.origin))
    return false;
  ATTN_CHECK(keepObject(whole.object, wasThere ? there.entry->object : object));
  ATTN_CHECK(republishFile(layout.folder("tmp"), path, text, storedMode));
  return true;
}

rt::Result<bool> LocalStore::addSignatures(const Action &action) {
  if (!folder)
    return rt::failed(folder.absent);
  if (folder.readOnly)
    return rt::failed(folder.path + ": it is read-only");
  const Layout layout(folder);
  const Digest key = action.key.digest();
  const std::string path = layout.file(Shelf::Actions, key);
  ATTN_CHECK(makeFolder(layout.folder("locks")));
  const auto publishing = FileLock::take(layout.lockFile("publish"), 0,
                                         FileLock::Kind::Shared, mergeLimit);
  struct stat before{};
  const bool dated = lstat(path.c_str(), &before) == 0;
  const Lookup there = load(key, Place::Own, Partial::IsBad);
  if (!there.entry)
    return rt::badInput("key: " + key.hex() + ": there is no own entry of it");
  if (there.entry->action.body() != action.body())
    return rt::badInput("key: " + key.hex() +
                        ": the own entry of it has another body");
  const Action whole = merged(there.entry->action, action);
  auto kept = [&](const Signature &each) {
    return std::ranges::find(whole.signatures, each) != whole.signatures.end();
  };
  if (!std::ranges::all_of(action.signatures, kept) ||
      !std::ranges::all_of(there.entry->action.signatures, kept))
    return rt::badInput(
        "key: " + key.hex() + ": with another it would have more than " +
        std::to_string(whole.signatures.size()) + " signatures");
  ATTN_TRY(const bool changed,
           mergeInto(action, there.entry->object, Place::Own, {}));
  if (const struct timespec marks[] = {before.st_atim, before.st_mtim}; dated)
    utimensat(AT_FDCWD, path.c_str(), marks, AT_SYMLINK_NOFOLLOW);
  return changed;
}
