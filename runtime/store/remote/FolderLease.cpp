// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One that is over is moved away before a new one is linked in its place, by
// one host at a time (NAME.over). Who moved away another than he saw puts it
// back. If a taker dies within that, a third may come in between: then two
// hosts compile, which costs a compilation and nothing else.
#include "runtime/store/remote/FolderLease.h"
#include "runtime/store/files/Random.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
using std::chrono::milliseconds;

/// Longer than any lease's text.
static constexpr size_t mostText = 1024;
/// Longer than any lease: a file of next year holds nobody up.
static constexpr milliseconds mostLeft{60'000};

static milliseconds timeOf(const struct stat &file) {
  return milliseconds(file.st_mtim.tv_sec * 1000 +
                      file.st_mtim.tv_nsec / 1'000'000);
}

namespace {
/// A file of one's own, which is gone at the end.
class Scratch {
public:
  explicit Scratch(const FileHandle &folder) : folder(folder) {}
  ~Scratch() { unlinkat(folder.get(), name.c_str(), 0); }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;

  const FileHandle &folder;
  const std::string name = randomHex(16);
};

struct Seen {
  struct stat file;
  std::string text;
};
} // namespace

/// None where there is none, or something that is no lease.
static std::optional<Seen> see(const FileHandle &at, const std::string &name) {
  const FileHandle file = at.openAt(name, O_RDONLY | O_NONBLOCK);
  Seen seen;
  if (!file || fstat(file.get(), &seen.file) != 0)
    return std::nullopt;
  auto text = file.readAll(mostText);
  // What does not read is nobody's, and is over as any other.
  seen.text = text ? std::move(*text) : std::string();
  return seen;
}

static bool link(const Scratch &from, const FileHandle &at,
                 const std::string &name) {
  return linkat(from.folder.get(), from.name.c_str(), at.get(), name.c_str(),
                0) == 0;
}

static void moveAway(const FileHandle &at, const std::string &name,
                     const Seen &seen, const Scratch &to) {
  struct stat moved;
  if (renameat(at.get(), name.c_str(), to.folder.get(), to.name.c_str()) != 0 ||
      fstatat(to.folder.get(), to.name.c_str(), &moved, AT_SYMLINK_NOFOLLOW) !=
          0)
    return;
  if (moved.st_ino != seen.file.st_ino || timeOf(moved) != timeOf(seen.file))
    (void)link(to, at, name);
}

/// Of a file that ends then; none: it is over, or ends when no lease would.
static std::optional<HeldName> heldAt(Seen seen, milliseconds now) {
  const milliseconds left = timeOf(seen.file) - now;
  if (left <= milliseconds(0) || left > mostLeft)
    return std::nullopt;
  return HeldName{std::move(seen.text), left};
}

static bool endsAt(const Scratch &file, milliseconds time) {
  const timespec at = {time.count() / 1000, time.count() % 1000 * 1'000'000};
  const timespec times[] = {at, at};
  return utimensat(file.folder.get(), file.name.c_str(), times,
                   AT_SYMLINK_NOFOLLOW) == 0;
}

rt::Result<std::optional<HeldName>>
attn_jit::store::takeLease(const FileHandle &at, const FileHandle &scratch,
                           const std::string &name, std::string_view text,
                           milliseconds valid) {
  const Scratch own(scratch), old(scratch);
  struct stat written;
  if (!scratch.makeSynced(own.name, text, 0444) ||
      fstatat(scratch.get(), own.name.c_str(), &written, AT_SYMLINK_NOFOLLOW) !=
          0)
    return rt::failed(std::strerror(errno));
  const milliseconds now = timeOf(written);
  if (!endsAt(own, now + valid))
    return rt::failed(std::strerror(errno));
  // Again where the one that was there has gone meanwhile.
  const std::string over = name + ".over";
  for (int turn = 0; turn < 10; ++turn) {
    if (link(own, at, name))
      return std::optional(HeldName{std::string(text), valid});
    if (errno != EEXIST)
      return rt::failed(std::strerror(errno));
    const auto seen = see(at, name);
    if (!seen)
      continue;
    if (auto held = heldAt(*seen, now))
      return held;
    // One at a time, so that nobody moves away what another has just put.
    if (link(own, at, over)) {
      if (const auto still = see(at, name); still && !heldAt(*still, now))
        moveAway(at, name, *still, old);
      unlinkat(at.get(), over.c_str(), 0);
      continue;
    }
    // Whose taker died in between, that goes when it is over.
    if (const auto taking = see(at, over); taking && !heldAt(*taking, now))
      unlinkat(at.get(), over.c_str(), 0);
    std::this_thread::sleep_for(milliseconds(2));
  }
  return std::optional<HeldName>();
}

std::optional<HeldName> attn_jit::store::lookAtLease(const FileHandle &at,
                                                     const std::string &name) {
  const auto seen = see(at, name);
  return seen ? heldAt(*seen,
                       std::chrono::duration_cast<milliseconds>(
                           std::chrono::system_clock::now().time_since_epoch()))
              : std::nullopt;
}
