// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/ScratchFolder.h"

#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::api;
namespace fs = std::filesystem;

static constexpr int mostAttempts = 4;

static fs::path lockIn(const fs::path &folder) { return folder / "held"; }

static std::optional<store::FileLock> hold(const fs::path &folder) {
  return store::FileLock::take(lockIn(folder).string(), 0,
                               store::FileLock::Kind::Exclusive,
                               std::chrono::milliseconds(0));
}

/// One without the file has just been made, and is about to be held.
static bool mayBeAbandoned(const fs::path &folder) {
  struct stat known;
  std::error_code ignored;
  return lstat(folder.c_str(), &known) == 0 && S_ISDIR(known.st_mode) &&
         known.st_uid == geteuid() && fs::exists(lockIn(folder), ignored);
}

static void takeAwayAbandoned(const fs::path &where, const std::string &stem) {
  std::error_code fault, ignored;
  for (fs::directory_iterator each(where, fault), end; !fault && each != end;
       each.increment(fault)) {
    const fs::path folder = each->path();
    if (!folder.filename().string().starts_with(stem) ||
        !mayBeAbandoned(folder))
      continue;
    if (const auto mine = hold(folder))
      fs::remove_all(folder, ignored);
  }
}

rt::Result<ScratchFolder> ScratchFolder::make(const std::string &stem) {
  std::error_code fault;
  const fs::path where = fs::temp_directory_path(fault);
  if (!fault)
    takeAwayAbandoned(where, stem);
  for (int attempt = 1;; ++attempt) {
    ATTN_TRY(rt::TemporaryFolder folder, rt::TemporaryFolder::make(stem));
    auto held = hold(folder.path());
    // Between the file and its lock another may have taken it for abandoned.
    if (!held || attempt == mostAttempts ||
        fs::exists(lockIn(folder.path()), fault))
      return ScratchFolder(std::move(folder), std::move(held));
  }
}
