// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What records are kept by: what is asked (description and sizes of the call)
// and of which kind of device. Keys are printable fields, so that a miss can be
// shown field by field. Nothing here needs a compiler.
//
// Sizes are exact, or those of a bucket: an interval of each ladder, printed as
// "3073..4096". A bucket is measured at its two ends, least and most of all
// sizes; what beats a default at both may serve between them (Choice.h).
//
//   problem ::= schema, description, alignment, q_len, kv_len, heads, group,
//               at, goal, deterministic
#ifndef ATTN_JIT_AUTOTUNE_PROBLEM_H
#define ATTN_JIT_AUTOTUNE_PROBLEM_H

#include "runtime/Runtime.h"
#include "runtime/store/Key.h"

namespace attn_jit::tune {

struct Call {
  int64_t batch = 1, queryHeads = 1, kvHeads = 1, queryLen = 1, kvLen = 1;

  /// Query heads of one key head.
  int64_t group() const { return queryHeads / kvHeads; }
  /// Key heads of all sequences: with the group and the length, the rows.
  int64_t heads() const { return batch * kvHeads; }
  bool operator==(const Call &) const = default;
};

/// Both ends belong to it.
struct Interval {
  int64_t least = 1, most = 1;

  /// "4096", "3073..4096".
  std::string text() const;
  bool operator==(const Interval &) const = default;
};

/// Of the ladder 1, 2, 3, 4, 6, 8, 12, 16...: powers of two with halves. The
/// interval ends at the first rung that is no less than `size`, which is at
/// least 1.
Interval rungOf(int64_t size);

/// The largest size of a rung: beyond it every call has a bucket of its own.
inline constexpr int64_t kLastRung = int64_t(1) << 40;

enum class At {
  Exact, ///< these very sizes
  Least, ///< a bucket's smallest call
  Most,  ///< its largest
};
std::string_view name(At at);

struct Sizes {
  Interval queryLen, kvLen, heads;
  int64_t group = 1;
  At at = At::Exact;

  /// Of one batch, with the sizes of that end; exact sizes are both.
  Call callAt(At end) const;
  bool operator==(const Sizes &) const = default;
};

/// With `deterministic` a choice must not depend on who shares the batch: heads
/// are then those of one sequence, whatever the batch.
Sizes exactSizes(const Call &call, bool deterministic);
/// `at` an end of the bucket that holds the call.
Sizes bucketOf(const Call &call, At at, bool deterministic);

struct Problem {
  /// The one text of what is computed (api::labelledText), which holds every
  /// trait that numbers depend on: types, precision, regions.
  std::string description;
  int64_t alignment = 16; ///< of bases and strides, bytes: the load path
  Sizes sizes;
  bool deterministic = false;
  /// Is the last-level cache left as the launch before left it?
  bool warmCache = false;
};

/// The goal is the time of one launch: "latency", or "latency_warm".
store::Key problemKey(const Problem &problem);
/// The problem of that key; nothing where problemKey() does not write it.
std::optional<Problem> readProblem(const store::Key &key);
/// Of devices that give the same times: what it is and how much of it there is.
/// Driver, UUID, index, power limit and clocks of the moment are no part.
store::Key deviceKey(const rt::DeviceInfo &device);
/// What that key tells of a device, whose own it need not be.
rt::DeviceInfo deviceOf(const store::Key &device);
/// A driver with its version, as records name it: "cuda 13.0".
std::string driverText(const rt::DeviceInfo &device);

} // namespace attn_jit::tune

#endif
