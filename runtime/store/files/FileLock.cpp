// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/files/FileLock.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <random>
#include <thread>
#include <unistd.h>

using namespace attn_jit::store;
using Clock = std::chrono::steady_clock;

/// Threads of one process are ordered by the kernel's lock; the language, and
/// ThreadSanitizer, know of no order but their own.
static std::atomic<uint64_t> order = 0;

static int setLock(int file, short type, uint64_t byte) {
  struct flock range{};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = off_t(byte >> 2); // its end is a file offset too
  range.l_len = 1;
  int done;
  do
    done = fcntl(file, F_OFD_SETLK, &range);
  while (done != 0 && errno == EINTR);
  return done;
}

/// The open file, known before it is locked: a child that shares it closes it.
class FileLock::Open final : ForkAware {
public:
  Open(const std::string &path, uint64_t byte) : byte(byte) {
    auto guard = noFork();
    file =
        ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    enlist();
  }
  ~Open() {
    auto guard = noFork();
    leave();
    if (file < 0)
      return;
    // By name: a copy of the descriptor, in a child that was no fork() of the C
    // library, would keep it.
    order.fetch_add(1, std::memory_order_release);
    setLock(file, F_UNLCK, byte);
    close(file);
  }
  int file = -1;
  const uint64_t byte;

private:
  void inChild() override {
    if (file >= 0)
      close(file);
    file = -1;
  }
};

FileLock::FileLock(std::unique_ptr<Open> open) : open(std::move(open)) {}
FileLock::FileLock(FileLock &&other) noexcept = default;
FileLock &FileLock::operator=(FileLock &&other) noexcept = default;
FileLock::~FileLock() = default;

bool FileLock::held() const { return open && open->file >= 0; }

/// From half of `pause` to one and a half, so that waiters do not come at once.
static Clock::duration jittered(Clock::duration pause) {
  static std::atomic<uint64_t> calls = 0;
  std::minstd_rand random(uint32_t(Clock::now().time_since_epoch().count() +
                                   uint64_t(getpid()) * 7919 + calls++));
  random.discard(2);
  return pause / 2 + pause * (random() % 1024) / 1024;
}

std::optional<FileLock> FileLock::take(const std::string &path, uint64_t byte,
                                       Kind kind,
                                       std::chrono::milliseconds limit,
                                       const std::function<bool()> &calledOff) {
  const Clock::time_point end = Clock::now() + limit;
  auto open = std::make_unique<Open>(path, byte);
  if (open->file < 0)
    return std::nullopt;
  Clock::duration pause = std::chrono::milliseconds(1);
  while (setLock(open->file, kind == Kind::Shared ? F_RDLCK : F_WRLCK, byte)) {
    // Held by another, or what does not pass by waiting.
    const bool held = errno == EACCES || errno == EAGAIN;
    const auto left = end - Clock::now();
    if (!held || left <= Clock::duration::zero() || (calledOff && calledOff()))
      return std::nullopt;
    std::this_thread::sleep_for(std::min(jittered(pause), left));
    pause =
        std::min<Clock::duration>(pause * 3 / 2, std::chrono::milliseconds(20));
  }
  order.fetch_add(1, std::memory_order_acquire);
  return FileLock(std::move(open));
}
