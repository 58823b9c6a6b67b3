// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a bench was asked for: the flags as given, and their checked meaning.
#ifndef ATTN_JIT_TOOLS_BENCH_OPTIONS_H
#define ATTN_JIT_TOOLS_BENCH_OPTIONS_H

#include "runtime/check/Inputs.h"
#include "runtime/check/Metrics.h"
#include "tools/api/Engine.h"
#include "tools/cli/DescriptionText.h"

#include <optional>
#include <string>
#include <vector>

namespace attn_jit::bench {

/// Empty: not given.
struct BenchText {
  cli::DescriptionText description;
  std::string metric, flops, input, reference, device, target, schedule, scale,
      seed, warmup, rep, timeout, capturedDir, outputDir, jsonFile, csvFile,
      pinFile, tune;
  bool oldCsv = false; ///< -o: the old tool's file name
  bool loadCaptured = false, ignoreKwargs = false;
  bool compareToRef = false, printCompareStats = false, printVgpr = false;
  bool saveOutput = false, keepCache = false;
  bool noCache = false, assertCached = false;
};

struct Metrics {
  bool time = true, throughput = true, bandwidth = true, intensity = true;
};

struct Options {
  cli::Sizes sizes; ///< not of captured inputs; kvHeads, kvLen and valueDim
                    ///< empty: as their partners
  std::vector<api::Element> elements; ///< empty: as captured
  std::vector<rt::InputKind> inputs;
  /// What all rows share: layout, regions, lse. Sizes, dtype, causal and its
  /// alignment are each row's.
  api::Description traits;
  std::string scoreFile, maskFile; ///< where the regions came from
  std::optional<bool> causal;      ///< unset: the captured file may say
  std::optional<api::Align> align; ///< unset: bottom-right, or as captured
  std::optional<double> scale;     ///< unset: captured, or 1/sqrt(head_dim)
  Metrics metrics;
  rt::FlopConvention flops = rt::FlopConvention::Visible;
  std::string reference = "torch";
  std::string device, target, schedule;
  uint64_t seed = 20;
  double warmupMs = 25, repMs = 100, timeoutSeconds = 120;
  bool coldCache = true, deterministic = false;
  bool loadCaptured = false, ignoreKwargs = false;
  bool compareToRef = false, printCompareStats = false, printVgpr = false;
  bool saveOutput = false;
  std::string capturedDir, outputDir = "outputs", jsonFile, csvFile;
  api::EngineOptions engine;
};

rt::Result<Options> checkOptions(const BenchText &text);

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_OPTIONS_H
