// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What happened in a store: counted by each process in memory, added to
// v1/stats when it ends. That file is replaced as a whole; the counts of a
// process that is killed, or that gets no lock in time, are lost.
//
//   stats ::= (name " " count "\n")*     names that this version does not know
//                                        are kept
#ifndef ATTN_JIT_RUNTIME_STORE_COUNTERS_H
#define ATTN_JIT_RUNTIME_STORE_COUNTERS_H

#include "runtime/store/files/Fork.h"
#include "runtime/store/local/CacheRoot.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string_view>

namespace attn_jit::store {

enum class Count {
  OwnHits,
  ForeignHits,
  AbsentMisses,
  CorruptMisses,
  UnreadableMisses,
  Published,     ///< entries that this process made whole
  FoundThere,    ///< publications that found the entry whole
  PublishFailed, ///< no room, no right, no such file system
  Quarantined,   ///< files
  LockLimits,    ///< waits for a key that ended without the lock
  PrunedBytes,
};
inline constexpr size_t countKinds = size_t(Count::PrunedBytes) + 1;
std::string_view name(Count count); ///< "own_hits", ...

using Counts = std::map<std::string, int64_t>;

/// Lines that are none are left out: counts are worth no error.
Counts parseCounts(std::string_view text);
std::string countsText(const Counts &counts);
/// Of two that are no less than zero, and neither is the sum.
int64_t addedUp(int64_t a, int64_t b);

/// Any number of threads at once; a child of fork begins at zero.
class Counters final : ForkAware {
public:
  explicit Counters(CacheRoot root);
  ~Counters();

  void add(Count count, int64_t amount = 1);
  /// Of all processes that have ended, and of this one.
  Counts all() const;
  /// Moves what was counted here to v1/stats.
  void flush();

private:
  void inChild() override;

  const CacheRoot root;
  std::array<std::atomic<int64_t>, countKinds> here{};
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_COUNTERS_H
