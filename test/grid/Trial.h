// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One call of the grid on a device: its inputs, its output, and what is wrong
// with that.
#ifndef ATTN_JIT_TEST_GRID_TRIAL_H
#define ATTN_JIT_TEST_GRID_TRIAL_H

#include "test/grid/Variants.h"
#include "tools/api/Engine.h"
#include "tools/bench/Tensors.h"

namespace attn_jit::grid {

/// Of delays; a count of 0: none.
struct Seeds {
  int64_t first, count;
};

/// Behind the last row of each tensor lies one of NaN, which no kernel may read
/// or write. Texts are empty when nothing is wrong. Lives no longer than the
/// group.
class Trial {
public:
  static rt::Result<Trial> make(const rt::Device &device, const Group &group,
                                const Call &call);

  /// Poisons the output, launches and waits.
  rt::Status launch(const api::Kernel &kernel, int32_t delaySeed = 0);
  /// The output of the last launch against the double-precision reference.
  rt::Result<std::string> judge();
  /// judge(), and the bits of the output with each seed against those without
  /// delays, which the kernel must have.
  rt::Result<std::string> race(const api::Kernel &kernel, Seeds seeds);

private:
  const Group *group = nullptr;
  Call call;
  rt::Stream stream;
  rt::HostTensor outRows, lse; ///< as the last launch left them
  uint32_t outPoison = 0, lsePoison = 0;
  rt::AttentionProblem problem;
  bench::DeviceTensor q, k, v, o, l;
  rt::Buffer workspace;
  rt::AttentionArguments arguments;
};

} // namespace attn_jit::grid

#endif // ATTN_JIT_TEST_GRID_TRIAL_H
