// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How much this store may write to a remote: so many bytes in the time after
// which the remote's objects expire. All processes of the store count in one
// file; where it cannot be written, each counts for itself.
//
//   file ::= "attn-jit.quota.v1 " start " " bytes "\n"   start: seconds of 1970
#ifndef ATTN_JIT_RUNTIME_STORE_QUOTA_H
#define ATTN_JIT_RUNTIME_STORE_QUOTA_H

#include <chrono>
#include <functional>
#include <mutex>
#include <string>

namespace attn_jit::store {

/// Any number of threads and processes at once.
class Quota {
public:
  using Clock = std::function<int64_t()>; ///< seconds since 1970

  /// `bytes`: 0 is no limit, and counts all the same.
  Quota(const std::string &folder, const std::string &name, int64_t bytes,
        std::chrono::hours window, Clock clock = {});

  /// Counts them, or says no and counts nothing.
  bool take(int64_t bytes);
  int64_t used();

private:
  struct Count {
    int64_t start = 0, bytes = 0;
  };
  Count current(std::string_view text) const;

  std::string path;
  int64_t limit;
  int64_t window;
  Clock clock;
  std::mutex mutex;
  Count own; ///< instead of the file
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_QUOTA_H
