// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The grid's variants as data: groups that share one kernel, and the calls made
// of each. Invariant: the same names and the same inputs on every device.
#ifndef ATTN_JIT_TEST_GRID_VARIANTS_H
#define ATTN_JIT_TEST_GRID_VARIANTS_H

#include "runtime/check/Inputs.h"
#include "test/grid/Regions.h"

#include <string>
#include <vector>

namespace attn_jit::grid {

/// What keys an image.
struct Group {
  std::string name;
  api::Description description;
  Regions regions; ///< beyond those that `description` names by a flag
};

/// What arrives at launch.
struct Call {
  int64_t batch, queryHeads, kvHeads, queryLen, kvLen;
  rt::InputKind inputs;
  std::string name() const;
};

std::vector<Group> allGroups();
/// Heads wider than what each schedule of the grid can hold.
std::vector<Group> wideGroups();
/// Each group makes the same calls, but for the inputs, which take turns; on a
/// device of many processors two more, of more tiles and of longer rows.
std::vector<Call> callsOf(size_t group, bool manyProcessors);
/// Calls of a kernel that packs `heads` query heads, 2, 4 or 8, of one key
/// head: each has that many, or a multiple.
std::vector<Call> packedCalls(size_t group, int64_t heads);
/// Small calls for many launches: rings that wrap many times, masks that end
/// within tiles, and more tiles than workgroups, of few rows and of few keys.
std::vector<Call> racingCalls(int64_t packedHeads);

} // namespace attn_jit::grid

#endif // ATTN_JIT_TEST_GRID_VARIANTS_H
