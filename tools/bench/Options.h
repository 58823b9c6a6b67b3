// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a bench was asked for: the flags as given, and their checked meaning.
#ifndef ATTN_JIT_TOOLS_BENCH_OPTIONS_H
#define ATTN_JIT_TOOLS_BENCH_OPTIONS_H

#include "runtime/check/Inputs.h"
#include "runtime/check/Metrics.h"
#include "tools/api/Description.h"

#include <optional>
#include <string>
#include <vector>

namespace attn_jit::bench {

/// The texts of the description flags, shared by bench and compile; empty: not
/// given.
struct DescriptionText {
  std::string batch, queryHeads, kvHeads, queryLen, kvLen, headDim, valueDim;
  std::string dtype, layout, causal, causalAlign, softcap;
  std::string scoreFile, maskFile, inputFile; ///< compile only
  bool lse = false;
};

struct BenchText {
  DescriptionText description;
  std::string metric, flops, input, reference, device, target, schedule, scale,
      seed, warmup, rep, timeout, capturedDir, outputDir, jsonFile, csvFile;
  bool oldCsv = false; ///< -o: the old tool's file name
  bool loadCaptured = false, ignoreKwargs = false;
  bool compareToRef = false, printCompareStats = false, printVgpr = false;
  bool saveOutput = false, keepCache = false;
};

/// The body of a score region: cap * tanh(score / cap).
std::string softcapRegion(double cap);

/// The description of the first sizes named; files read.
rt::Result<api::Description> describe(const DescriptionText &text);

struct Metrics {
  bool time = true, throughput = true, bandwidth = true, intensity = true;
};

struct Options {
  std::vector<int64_t> batch, queryHeads, kvHeads, queryLen, kvLen, headDim,
      valueDim;
  std::vector<api::Element> elements;
  std::vector<rt::InputKind> inputs;
  api::Layout layout = api::Layout::BSHD;
  api::Align align = api::Align::BottomRight;
  std::optional<bool> causal;          ///< unset: the captured file may say
  std::optional<api::Element> convert; ///< captured inputs, when --dtype stands
  double softcap = 0;
  bool lse = false;
  std::optional<double> scale; ///< unset: captured, or 1/sqrt(head_dim)
  Metrics metrics;
  rt::FlopConvention flops = rt::FlopConvention::HalvedCausal;
  std::string reference = "torch";
  std::string device, target, schedule;
  uint64_t seed = 20;
  double warmupMs = 25, repMs = 100, timeoutSeconds = 120;
  bool coldCache = true;
  bool loadCaptured = false, ignoreKwargs = false;
  bool compareToRef = false, printCompareStats = false, printVgpr = false;
  bool saveOutput = false;
  std::string capturedDir, outputDir = "outputs", jsonFile, csvFile;
};

rt::Result<Options> checkOptions(const BenchText &text);

} // namespace attn_jit::bench

#endif // ATTN_JIT_TOOLS_BENCH_OPTIONS_H
