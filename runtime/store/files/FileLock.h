// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Locks on one byte of a file (F_OFD_SETLK): the kernel releases them when
// their process dies, and they hold among threads as well as among processes.
// Two keys lock two bytes, so that whoever holds one never waits for the other.
// A thread that asks for the byte it holds waits as any other would, to its
// limit.
#ifndef ATTN_JIT_RUNTIME_STORE_FILELOCK_H
#define ATTN_JIT_RUNTIME_STORE_FILELOCK_H

#include "runtime/store/files/Fork.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace attn_jit::store {

/// Held until it ends, or its process does. A child of fork holds it not.
class FileLock {
public:
  enum class Kind { Shared, Exclusive };

  /// None after `limit` (0: one try), within 30 ms once `calledOff` says so,
  /// and at once where the file cannot be opened or its file system has no
  /// locks. Makes the file, not its folder.
  static std::optional<FileLock>
  take(const std::string &path, uint64_t byte, Kind kind,
       std::chrono::milliseconds limit,
       const std::function<bool()> &calledOff = {});

  FileLock(FileLock &&other) noexcept;
  FileLock &operator=(FileLock &&other) noexcept;
  ~FileLock();

  /// False in a child of the process that took it.
  bool held() const;

private:
  class Open;
  explicit FileLock(std::unique_ptr<Open> open);
  std::unique_ptr<Open> open;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_FILELOCK_H
