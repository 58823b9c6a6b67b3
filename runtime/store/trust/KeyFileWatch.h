// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For whoever remembers what the key file (Trust.h) said of records: whether it
// has changed since.
#ifndef ATTN_JIT_RUNTIME_STORE_KEYFILEWATCH_H
#define ATTN_JIT_RUNTIME_STORE_KEYFILEWATCH_H

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace attn_jit::store {

/// One thread at a time.
class KeyFileWatch {
public:
  static constexpr std::chrono::milliseconds second{1000};
  explicit KeyFileWatch(std::chrono::milliseconds between = second)
      : between(between) {}
  /// Whether it is another file, or was written, since the call that last
  /// looked; the first one looks and is false. Looks once in `between`, which
  /// costs a stat; else it costs a clock's reading.
  bool changed();

private:
  struct State {
    std::string path;
    std::array<int64_t, 5> file{}; ///< device, inode, length, time of change
    bool operator==(const State &) const = default;
  };
  static State look();

  const std::chrono::milliseconds between;
  std::chrono::steady_clock::time_point next;
  std::optional<State> last;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_KEYFILEWATCH_H
