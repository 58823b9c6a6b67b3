// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/remote/Breaker.h"
#include "runtime/File.h"
#include "runtime/store/files/Publish.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <sys/file.h>

using namespace attn_jit;
using namespace attn_jit::store;
using std::chrono::milliseconds;

static constexpr std::string_view head = "attn-jit.breaker.v1 ";

static int64_t wallClock() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Breaker::Breaker(std::string folder, std::string name, Clock clock)
    : folder(std::move(folder)), name(std::move(name)),
      clock(clock ? std::move(clock) : wallClock) {}

static std::string text(const Breaker::State &state) {
  return std::string(head) + std::to_string(state.failures) + " " +
         std::to_string(state.opened) + " " + std::to_string(state.length) +
         "\n";
}

static Breaker::State parse(std::string_view given) {
  Breaker::State state;
  if (!given.starts_with(head))
    return {};
  const char *at = given.data() + head.size(),
             *end = given.data() + given.size();
  for (int64_t *to : {&state.failures, &state.opened, &state.length}) {
    auto [next, code] = std::from_chars(at, end, *to);
    if (code != std::errc() || next == end || *to < 0)
      return {};
    at = next + 1;
  }
  const bool whole = text(state) == given && state.failures > 0 &&
                     state.length <= Breaker::longest.count();
  return whole ? state : Breaker::State();
}

Breaker::State Breaker::read() const {
  if (memory)
    return *memory;
  if (folder.empty())
    return {};
  const auto file =
      FileHandle::open(folder + "/" + name, O_RDONLY | O_NONBLOCK);
  auto bytes = file ? file.readAll(256) : rt::Result<std::string>("");
  return bytes ? parse(*bytes) : State();
}

void Breaker::write(const State &state) {
  if (!folder.empty() && !memory) {
    (void)makeFolder(folder);
    if (rt::writeFile(folder + "/" + name, text(state)))
      return;
  }
  memory = state;
}

bool Breaker::isOpen(const State &state) const {
  const int64_t now = clock();
  return state.opened <= now && now - state.opened < state.length;
}

std::optional<Breaker::Permit> Breaker::allow() {
  std::lock_guard lock(mutex);
  if (State now = read(); !now.failures)
    return Permit(*this, false, FileHandle());
  else if (isOpen(now))
    return std::nullopt;
  FileHandle trial;
  if (!memory && !folder.empty()) {
    trial = FileHandle::open(folder + "/" + name + ".trial", O_RDWR | O_CREAT,
                             0600);
    if (trial && flock(trial.get(), LOCK_EX | LOCK_NB) != 0)
      return std::nullopt;
    // Another may have tried since.
    if (State now = read(); isOpen(now))
      return std::nullopt;
    else if (!now.failures)
      return Permit(*this, false, FileHandle());
  }
  return Permit(*this, true, std::move(trial));
}

/// A child of fork shares the description, which closing alone leaves locked.
static void unlock(FileHandle &lock) {
  if (lock)
    flock(lock.get(), LOCK_UN);
  lock = FileHandle();
}

void Breaker::Permit::succeeded() {
  if (trial) {
    std::lock_guard guard(breaker->mutex);
    breaker->write({});
  }
  unlock(lock);
}

void Breaker::Permit::failed() {
  {
    std::lock_guard guard(breaker->mutex);
    State state = breaker->read();
    // Of many processes that asked at once, one opens it; only who tried again
    // says that waiting was too short.
    if (trial || !breaker->isOpen(state)) {
      state.failures = trial ? std::min<int64_t>(state.failures + 1, 1000) : 1;
      state.length =
          std::min(first.count() << std::min<int64_t>(state.failures - 1, 10),
                   longest.count());
      state.opened = breaker->clock();
      breaker->write(state);
    }
  }
  unlock(lock);
}

Breaker::State Breaker::state() {
  std::lock_guard lock(mutex);
  return read();
}

milliseconds Breaker::openFor() {
  std::lock_guard lock(mutex);
  const State state = read();
  if (!isOpen(state))
    return milliseconds(0);
  return milliseconds(state.opened + state.length - clock());
}
