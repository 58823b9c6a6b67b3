// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Score and mask regions of the grid, each beside the same function in C++ for
// the reference: the compiler reads one, the reference runs the other.
#ifndef ATTN_JIT_TEST_GRID_REGIONS_H
#define ATTN_JIT_TEST_GRID_REGIONS_H

#include "runtime/Launch.h"
#include "runtime/check/Reference.h"
#include "tools/api/Description.h"

#include <functional>
#include <string>
#include <vector>

namespace attn_jit::grid {

struct Regions {
  std::string name;
  /// Files of templates/, or text of one's own.
  std::string scoreFile, maskFile, score, mask;
  /// i32 scalars that the regions capture, by name, and their values.
  std::vector<rt::CapturedScalar> captured;
  /// The same on the reference's problem, whose rows count from 0.
  std::function<void(rt::AttentionProblem &)> describe;
};

std::vector<Regions> allRegions();

/// Gives `description` these regions. Captured scalars are arguments, which no
/// flag can say: then the description is a whole module.
rt::Status apply(const Regions &regions, const std::string &templates,
                 api::Description &description);

} // namespace attn_jit::grid

#endif // ATTN_JIT_TEST_GRID_REGIONS_H
