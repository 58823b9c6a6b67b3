// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The file is written in place, under its own lock: it is one short line, and a
// torn one counts as none.
#include "runtime/store/remote/Quota.h"
#include "runtime/store/files/FileHandle.h"
#include "runtime/store/files/Publish.h"

#include <charconv>
#include <ctime>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;

static constexpr std::string_view head = "attn-jit.quota.v1 ";

Quota::Quota(const std::string &folder, const std::string &name, int64_t bytes,
             std::chrono::hours window, Clock clock)
    : path(folder.empty() ? "" : folder + "/" + name), limit(bytes),
      window(std::chrono::seconds(window).count()),
      clock(clock ? std::move(clock) : [] { return int64_t(time(nullptr)); }) {}

Quota::Count Quota::current(std::string_view text) const {
  Count count;
  if (text.starts_with(head)) {
    const char *at = text.data() + head.size(),
               *end = text.data() + text.size();
    auto [space, code] = std::from_chars(at, end, count.start);
    if (code != std::errc() || space == end ||
        std::from_chars(space + 1, end, count.bytes).ec != std::errc())
      count = {};
  }
  // Also a window that begins in the future, by another clock, is over.
  const int64_t now = clock();
  if (count.bytes < 0 || count.start > now || now - count.start >= window)
    return {now, 0};
  return count;
}

static FileHandle lockedFile(const std::string &path) {
  if (path.empty())
    return {};
  (void)makeFolder(path.substr(0, path.rfind('/')));
  auto file = FileHandle::open(path, O_RDWR | O_CREAT, 0600);
  if (file && flock(file.get(), LOCK_EX) != 0)
    return {};
  return file;
}

bool Quota::take(int64_t bytes) {
  std::lock_guard lock(mutex);
  FileHandle file = lockedFile(path);
  Count count;
  if (file) {
    const auto text = file.readAll(256);
    count = current(text ? *text : "");
  } else {
    count = current(std::string(head) + std::to_string(own.start) + " " +
                    std::to_string(own.bytes));
  }
  if (limit && bytes > limit - count.bytes)
    return false;
  count.bytes += bytes;
  own = count;
  if (file && ftruncate(file.get(), 0) == 0 &&
      lseek(file.get(), 0, SEEK_SET) == 0)
    (void)file.writeAll(std::string(head) + std::to_string(count.start) + " " +
                        std::to_string(count.bytes) + "\n");
  // A child of fork may hold the same description.
  if (file)
    flock(file.get(), LOCK_UN);
  return true;
}

int64_t Quota::used() {
  std::lock_guard lock(mutex);
  const auto file =
      path.empty() ? FileHandle() : FileHandle::open(path, O_RDONLY);
  auto text = file ? file.readAll(256) : rt::Result<std::string>("");
  if (file && text)
    return current(*text).bytes;
  return current(std::string(head) + std::to_string(own.start) + " " +
                 std::to_string(own.bytes))
      .bytes;
}
