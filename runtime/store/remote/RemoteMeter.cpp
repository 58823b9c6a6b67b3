// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/remote/RemoteMeter.h"
#include "runtime/store/files/FileHandle.h"
#include "runtime/store/files/FileLock.h"
#include "runtime/store/files/Publish.h"
#include "runtime/store/local/Counters.h"

#include <algorithm>
#include <charconv>
#include <fcntl.h>

using namespace attn_jit;
using namespace attn_jit::store;

static constexpr size_t mostTimes = 1024;
static constexpr size_t mostFile = 64 << 10;
/// Others hold the lock for a read and a write of some kilobytes.
static constexpr std::chrono::milliseconds lockLimit(100);

std::span<const RemoteCountName> attn_jit::store::remoteCountNames() {
  using C = RemoteCounts;
  static constexpr RemoteCountName names[] = {
      {"hits", &C::hits},
      {"misses", &C::misses},
      {"timeouts", &C::timeouts},
      {"failures", &C::failures},
      {"wrong_answers", &C::wrongAnswers},
      {"corrupt", &C::corrupt},
      {"skipped", &C::skipped},
      {"written", &C::written},
      {"dropped", &C::dropped},
      {"over_quota", &C::overQuota},
      {"refills", &C::refills},
      {"bytes_in", &C::bytesIn},
      {"bytes_out", &C::bytesOut},
  };
  return names;
}

std::chrono::microseconds RemoteFigures::percentile(int percent) const {
  if (times.empty())
    return {};
  std::vector<int64_t> sorted = times;
  const size_t rank = (sorted.size() - 1) * size_t(percent) / 100;
  std::nth_element(sorted.begin(), sorted.begin() + ptrdiff_t(rank),
                   sorted.end());
  return std::chrono::microseconds(sorted[rank]);
}

/// What was measured later goes behind.
static void addTimes(std::vector<int64_t> &to, std::span<const int64_t> more) {
  to.insert(to.end(), more.begin(), more.end());
  if (to.size() > mostTimes)
    to.erase(to.begin(), to.end() - ptrdiff_t(mostTimes));
}

void RemoteMeter::count(int64_t RemoteCounts::*field, int64_t by) {
  std::lock_guard lock(mutex);
  own.counts.*field += by;
}

void RemoteMeter::failed(const rt::Error &of) {
  std::lock_guard lock(mutex);
  error = of.text;
  switch (of.code) {
  case rt::ErrorCode::Timeout:
    ++own.counts.timeouts;
    break;
  case rt::ErrorCode::BadInput:
    ++own.counts.wrongAnswers;
    break;
  default:
    ++own.counts.failures;
  }
}

void RemoteMeter::took(std::chrono::microseconds time) {
  std::lock_guard lock(mutex);
  const int64_t one[] = {time.count()};
  addTimes(own.times, one);
}

RemoteFigures RemoteMeter::ofProcess() const {
  std::lock_guard lock(mutex);
  return own;
}

std::string RemoteMeter::lastError() const {
  std::lock_guard lock(mutex);
  return error;
}

static std::string textOf(const std::string &file) {
  const auto handle = file.empty()
                          ? FileHandle()
                          : FileHandle::open(file, O_RDONLY | O_NONBLOCK);
  auto text = handle ? handle.readAll(mostFile) : rt::Result<std::string>("");
  return text ? std::move(*text) : std::string();
}

/// Behind what is no time there is none.
static std::vector<int64_t> timesIn(std::string_view text) {
  std::vector<int64_t> times;
  const size_t start = text.starts_with(' ') ? 0 : text.find("\n ") + 1;
  text.remove_prefix(std::min(start, text.size()));
  while (text.starts_with(' ') && times.size() < mostTimes) {
    int64_t time = 0;
    const auto [end, code] =
        std::from_chars(text.data() + 1, text.data() + text.size(), time);
    if (code != std::errc() || time < 0)
      break;
    times.push_back(time);
    text.remove_prefix(size_t(end - text.data()));
  }
  return times;
}

static void addFigures(Counts &counts, std::vector<int64_t> &times,
                       const RemoteFigures &more) {
  for (const RemoteCountName &each : remoteCountNames()) {
    int64_t &total = counts[std::string(each.name)];
    total = addedUp(total, more.counts.*each.field);
  }
  addTimes(times, more.times);
}

RemoteFigures RemoteMeter::ofAll() const {
  const std::string text = textOf(file);
  Counts counts = parseCounts(text);
  RemoteFigures all;
  all.times = timesIn(text);
  addFigures(counts, all.times, ofProcess());
  for (const RemoteCountName &each : remoteCountNames())
    all.counts.*each.field = counts[std::string(each.name)];
  return all;
}

void RemoteMeter::flush() {
  std::unique_lock guard(mutex);
  const RemoteFigures moved = own;
  guard.unlock();
  const bool none =
      moved.times.empty() &&
      std::ranges::all_of(remoteCountNames(), [&](const auto &each) {
        return moved.counts.*each.field == 0;
      });
  const std::string folder = file.substr(0, file.rfind('/'));
  if (file.empty() || none || !makeFolder(folder))
    return;
  const auto lock =
      FileLock::take(file + ".lock", 0, FileLock::Kind::Exclusive, lockLimit);
  if (!lock)
    return;
  const std::string before = textOf(file);
  Counts counts = parseCounts(before);
  std::vector<int64_t> times = timesIn(before);
  addFigures(counts, times, moved);
  std::string text = countsText(counts);
  for (const int64_t time : times)
    text += " " + std::to_string(time);
  if (!replaceFile(folder, file, text + "\n"))
    return;
  // Those of requests that ended meanwhile stay.
  guard.lock();
  for (const RemoteCountName &each : remoteCountNames())
    own.counts.*each.field -= moved.counts.*each.field;
  own.times.clear();
}
