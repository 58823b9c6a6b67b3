// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/local/Counters.h"
#include "runtime/store/files/FileLock.h"
#include "runtime/store/files/Publish.h"
#include "runtime/store/files/StoredFile.h"

#include <algorithm>
#include <charconv>

using namespace attn_jit::store;

static constexpr size_t mostStatsBytes = 64 << 10;
/// At the end of a process that may have something else to do.
static constexpr std::chrono::milliseconds lockLimit(1000);

std::string_view attn_jit::store::name(Count count) {
  static constexpr std::array<std::string_view, countKinds> names = {
      "own_hits",          "foreign_hits", "absent_misses", "corrupt_misses",
      "unreadable_misses", "published",    "found_there",   "publish_failed",
      "quarantined",       "lock_limits",  "pruned_bytes"};
  return names[size_t(count)];
}

Counts attn_jit::store::parseCounts(std::string_view text) {
  Counts counts;
  for (size_t end; (end = text.find('\n')) != std::string_view::npos;
       text.remove_prefix(end + 1)) {
    const std::string_view line = text.substr(0, end);
    const size_t space = line.find(' ');
    if (space == 0 || space == std::string_view::npos)
      continue;
    int64_t value = 0;
    const char *last = line.data() + line.size();
    auto read = std::from_chars(line.data() + space + 1, last, value);
    if (read.ec == std::errc() && read.ptr == last && value >= 0)
      counts[std::string(line.substr(0, space))] = value;
  }
  return counts;
}

static Counts stored(const Layout &layout) {
  ReadFile read = readStored(layout.folder("stats"), mostStatsBytes);
  return read.file ? parseCounts(read.file->bytes) : Counts();
}

int64_t attn_jit::store::addedUp(int64_t a, int64_t b) {
  return a > INT64_MAX - b ? INT64_MAX : a + b;
}

std::string attn_jit::store::countsText(const Counts &counts) {
  std::string text;
  for (const auto &[name, value] : counts)
    text += name + " " + std::to_string(value) + "\n";
  return text;
}

Counters::Counters(CacheRoot root) : root(std::move(root)) {
  auto guard = noFork();
  enlist();
}

Counters::~Counters() {
  flush();
  auto guard = noFork();
  leave();
}

void Counters::inChild() {
  for (auto &each : here)
    each = 0;
}

void Counters::add(Count count, int64_t amount) {
  here[size_t(count)].fetch_add(amount, std::memory_order_relaxed);
}

Counts Counters::all() const {
  Counts counts;
  if (root)
    counts = stored(Layout(root));
  for (size_t i = 0; i < countKinds; ++i) {
    int64_t &total = counts[std::string(name(Count(i)))];
    total = addedUp(total, here[i].load(std::memory_order_relaxed));
  }
  return counts;
}

void Counters::flush() {
  if (!root || root.readOnly ||
      std::ranges::all_of(here, [](auto &each) { return each == 0; }))
    return;
  const Layout layout(root);
  if (!makeFolder(layout.folder("locks")) || !makeFolder(layout.folder("tmp")))
    return;
  auto lock = FileLock::take(layout.lockFile("stats"), 0,
                             FileLock::Kind::Exclusive, lockLimit);
  if (!lock)
    return;
  Counts counts = stored(layout);
  std::array<int64_t, countKinds> moved{};
  for (size_t i = 0; i < countKinds; ++i) {
    moved[i] = here[i].exchange(0);
    int64_t &total = counts[std::string(name(Count(i)))];
    total = addedUp(total, moved[i]);
  }
  if (!replaceFile(layout.folder("tmp"), layout.folder("stats"),
                   countsText(counts)))
    for (size_t i = 0; i < countKinds; ++i)
      here[i] += moved[i];
}
