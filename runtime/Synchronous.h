// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Streams and events of the drivers whose work is done when a call returns:
// a stream holds only its identity, an event the time it was recorded at.
#ifndef ATTN_JIT_RUNTIME_SYNCHRONOUS_H
#define ATTN_JIT_RUNTIME_SYNCHRONOUS_H

#include "runtime/Driver.h"

#include <chrono>
#include <cstring>
#include <mutex>

namespace attn_jit::rt {

/// The parts of a driver that are the same wherever memory is host memory and
/// work is synchronous.
class SynchronousDriver : public DeviceDriver {
public:
  Status synchronize() override { return success(); }

  Status fill(uint64_t address, uint32_t pattern, int64_t bytes,
              Handle) override {
    // 64-bit count: a buffer above 4 GiB is filled whole.
    auto *to = reinterpret_cast<unsigned char *>(address);
    for (int64_t i = 0; i + 4 <= bytes; i += 4)
      std::memcpy(to + i, &pattern, 4);
    return success();
  }
  Status copyIn(uint64_t to, const void *from, int64_t bytes, Handle) override {
    std::memcpy(reinterpret_cast<void *>(to), from, size_t(bytes));
    return success();
  }
  Status copyOut(void *to, uint64_t from, int64_t bytes, Handle) override {
    std::memcpy(to, reinterpret_cast<const void *>(from), size_t(bytes));
    return success();
  }

  Result<Handle> createStream() override { return Handle(new char(0)); }
  void destroyStream(Handle stream) override {
    delete static_cast<char *>(stream);
  }
  Status synchronizeStream(Handle) override { return success(); }
  Result<bool> streamFinished(Handle) override { return true; }
  Status streamWait(Handle, Handle event) override {
    return recordedAt(event) ? success() : notRecorded();
  }

  Result<Handle> createEvent() override { return Handle(new Moment); }
  void destroyEvent(Handle event) override {
    delete static_cast<Moment *>(event);
  }
  Status recordEvent(Handle event, Handle) override {
    auto *moment = static_cast<Moment *>(event);
    std::lock_guard lock(moment->mutex);
    moment->time = Clock::now();
    return success();
  }
  Status synchronizeEvent(Handle) override { return success(); }
  Result<bool> eventFinished(Handle) override { return true; }
  Result<double> elapsedMs(Handle start, Handle end) override {
    auto from = recordedAt(start), to = recordedAt(end);
    if (!from || !to)
      return notRecorded();
    return std::chrono::duration<double, std::milli>(*to - *from).count();
  }

private:
  using Clock = std::chrono::steady_clock;
  struct Moment {
    std::mutex mutex;
    std::optional<Clock::time_point> time;
  };
  static std::optional<Clock::time_point> recordedAt(Handle event) {
    auto *moment = static_cast<Moment *>(event);
    std::lock_guard lock(moment->mutex);
    return moment->time;
  }
  static Error notRecorded() {
    return badInput("event: elapsed time asked before it was recorded");
  }
};

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_SYNCHRONOUS_H
