// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the files of a store lie, and how one is read, used and set aside. What
// is no regular file of its place is as corrupt as flipped bits: links are not
// followed, folders and pipes not opened.
#ifndef ATTN_JIT_RUNTIME_STORE_STOREDFILE_H
#define ATTN_JIT_RUNTIME_STORE_STOREDFILE_H

#include "runtime/store/local/LocalStore.h"

#include <ctime>
#include <functional>
#include <string>
#include <sys/stat.h>

namespace attn_jit::store {

/// "objects", "actions" and "foreign" of one root.
enum class Shelf { Objects, Actions, Foreign };
const char *name(Shelf shelf);
inline Shelf shelfOf(Place place) {
  return place == Place::Own ? Shelf::Actions : Shelf::Foreign;
}

inline constexpr mode_t storedMode = 0444;
/// That stands for a key in a file of locks.
uint64_t lockByte(const Digest &key);

/// Paths below one root; formats and folders have one version together.
class Layout {
public:
  explicit Layout(const CacheRoot &root) : top(root.path + "/v1/") {}

  std::string folder(const char *name) const { return top + name; }
  std::string lockFile(const char *name) const { return top + "locks/" + name; }
  std::string folder(Shelf shelf, const Digest &digest) const;
  std::string file(Shelf shelf, const Digest &digest) const;

private:
  std::string top;
};

struct StoredFile {
  std::string bytes;
  struct stat known{};
};

struct ReadFile {
  std::optional<StoredFile> file;
  Miss miss = Miss::Absent; ///< where there is no file
  /// Of what is there and is no such file: what quarantine() goes by.
  struct stat known{};
};

/// All of a regular file of at most `most` bytes.
ReadFile readStored(const std::string &path, size_t most);

/// Moves what was found bad to v1/quarantine, unless another has taken its
/// place since. False: it stays, or is gone already.
bool quarantine(const Layout &layout, const std::string &path,
                const struct stat &bad);

/// Marks a use, where the last mark is older than an hour or of a clock ahead.
void markUse(const std::string &path, const struct stat &known);
/// Marks a use now; false where there is no such file.
bool markUseNow(const std::string &path);

/// When something was last used, seconds; -1 where no clock tells. A mark that
/// lies ahead of `now` was made by a wrong clock or restored from a copy: then
/// the time of its inode's last change counts, which nobody can set.
int64_t lastUse(const struct stat &known, int64_t now);

/// Each name of a folder but those that begin with a dot.
void eachName(const std::string &folder,
              const std::function<void(const std::string &)> &visit);

/// Each file of a shelf. `digest` is what its name says, if its name and folder
/// are such; `name` is "objects/ab/abcd...".
void eachStored(
    const Layout &layout, Shelf shelf,
    const std::function<void(const std::string &name, const std::string &path,
                             std::optional<Digest> digest)> &visit);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_STOREDFILE_H
