// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether a remote is asked at all. One failure opens the breaker for 30 s,
// each further one for twice as long, up to 10 minutes. Then one process of
// this store tries, and the others wait for what it learns. The state is a
// small file per remote, so a thousand short processes wait for a dead server
// once:
//
//   file ::= "attn-jit.breaker.v1 " failures " " opened " " length "\n"
//            milliseconds: of the wall clock, and how long it is open from then
//
// A file that is anything else is a closed breaker. One that was opened in the
// future, by another clock, is tried: none is open for longer than 10 minutes,
// whatever clocks do. Where the folder cannot be written the state is this
// object's.
#ifndef ATTN_JIT_RUNTIME_STORE_BREAKER_H
#define ATTN_JIT_RUNTIME_STORE_BREAKER_H

#include "runtime/store/files/FileHandle.h"

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>

namespace attn_jit::store {

/// Any number of threads at once; each thread ends its Permit before the next.
class Breaker {
public:
  static constexpr std::chrono::milliseconds first{30'000}, longest{600'000};
  using Clock = std::function<int64_t()>; ///< milliseconds since 1970

  /// `folder` is made when it is needed; empty: memory alone. `name` is a file
  /// name.
  Breaker(std::string folder, std::string name, Clock clock = {});

  /// To ask once. What comes of it is said, unless nothing was asked.
  class Permit {
  public:
    Permit(Permit &&) = default;
    void succeeded();
    void failed();

  private:
    friend class Breaker;
    Permit(Breaker &breaker, bool trial, FileHandle lock)
        : breaker(&breaker), trial(trial), lock(std::move(lock)) {}
    Breaker *breaker;
    bool trial;
    FileHandle lock; ///< held by the one that tries
  };
  std::optional<Permit> allow();

  struct State {
    int64_t failures = 0, opened = 0, length = 0;
    bool operator==(const State &) const = default;
  };
  State state();
  /// How long it stays open; 0: it does not.
  std::chrono::milliseconds openFor();

private:
  State read() const;
  void write(const State &state);
  bool isOpen(const State &state) const;

  std::string folder, name;
  Clock clock;
  std::mutex mutex;
  std::optional<State> memory; ///< instead of the file that cannot be written
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_BREAKER_H
