// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A whole tuning: device, space, search, records.
#ifndef ATTN_JIT_TOOLS_TUNE_RUN_H
#define ATTN_JIT_TOOLS_TUNE_RUN_H

#include "autotune/Choice.h"
#include "autotune/Search.h"
#include "tools/api/Tune.h"
#include "tools/tune/Every.h"
#include "tools/tune/Options.h"

namespace attn_jit::tuning {

struct Report {
  std::string device, target, driver, compiler;
  store::Key problem;
  std::string defaultSchedule, modelPick;
  int64_t legal = 0;
  double products = 0;
  size_t heard = 0; ///< measured first: fast by others, or another compiler
  tune::SearchReport search;
  double share = 1;                 ///< of the device
  double usedSeconds = 0;           ///< by this process, where there is a share
  bool continued = false;           ///< an earlier process's search
  int compiled = 0, taken = 0;      ///< images made here, and by other hosts
  std::string recordsIn;            ///< file or folder; empty: nowhere
  std::optional<EveryReport> every; ///< instead of a search
  /// Of a bucket: what it serves, and the search at its smallest call, which
  /// measures the finalists of the one at its largest.
  std::optional<tune::Chosen> served;
  std::shared_ptr<const Report> least;
};

rt::Result<Report> run(const Options &options);

/// The curve, the winner, its ratio to the default.
std::string reportText(const Report &report);
std::string jsonText(const Report &report);

} // namespace attn_jit::tuning

#endif // ATTN_JIT_TOOLS_TUNE_RUN_H
