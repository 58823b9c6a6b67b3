// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a tuning was asked for: the flags as given, and their checked meaning.
#ifndef ATTN_JIT_TOOLS_TUNE_OPTIONS_H
#define ATTN_JIT_TOOLS_TUNE_OPTIONS_H

#include "autotune/Join.h"
#include "tools/bench/Case.h"

namespace attn_jit::tuning {

/// Empty: not given.
struct TuneText {
  cli::DescriptionText description;
  std::string device, seed, budget, schedules, sample, every, recordsFile,
      jsonFile, pinFile;
  std::string join, keyFile, share;
  bool keepCache = false, bucket = false, compileOnly = false;
};

struct Options {
  bench::Options attention; ///< of one case
  bench::Case what;
  double budgetSeconds = 60;
  size_t schedules = 512;  ///< the best by the model
  size_t sample = 0;       ///< drawn from the rest of the legal space
  int every = 0;           ///< samples of each, and no search
  double share = 1;        ///< of wall time, that the device is used
  std::string recordsFile; ///< empty: this owner's store
  std::string jsonFile;
  tune::JoinOptions join;   ///< without a URL: this process searches alone
  bool compileOnly = false; ///< for those who measure; the budget is how long
                            ///< there may be nothing to do
  std::string pinFile;      ///< empty: none is written
  bool bucket = false;      ///< both ends of the bucket instead of these sizes
  /// The flags that give a worker the same case.
  std::vector<std::string> workerFlags;
};

rt::Result<Options> checkOptions(const TuneText &text);

} // namespace attn_jit::tuning

#endif // ATTN_JIT_TOOLS_TUNE_OPTIONS_H
