// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From flag texts to checked values; every refusal names its flag.
#include "tools/bench/Options.h"
#include "tools/api/Compile.h"
#include "tools/cli/Numbers.h"

using namespace attn_jit;
using namespace attn_jit::bench;

/// Beyond these a bench is a mistake: an hour of one row, a day of one kernel.
static constexpr double kMostMilliseconds = 3.6e6, kMostSeconds = 86400;

/// A captured file says these of itself.
static rt::Status refuseBesideCaptured(const BenchText &text) {
  const cli::DescriptionText &d = text.description;
  const std::pair<const char *, const std::string &> flags[] = {
      {"b", d.batch},     {"hq", d.queryHeads}, {"hk", d.kvHeads},
      {"sq", d.queryLen}, {"sk", d.kvLen},      {"d", d.headDim},
      {"dv", d.valueDim}, {"layout", d.layout}, {"input", text.input},
      {"seed", text.seed}};
  for (const auto &[name, given] : flags)
    if (!given.empty())
      return cli::refused(name, given,
                          "nothing beside captured inputs, which say it");
  return rt::success();
}

static rt::Status readAttention(const BenchText &text, Options &options) {
  const cli::DescriptionText &description = text.description;
  options.loadCaptured = text.loadCaptured || !text.capturedDir.empty();
  if (options.loadCaptured)
    ATTN_CHECK(refuseBesideCaptured(text));
  ATTN_TRY(options.sizes, cli::readSizes(description, /*heads=*/16));
  const std::pair<std::vector<int64_t> &, int64_t> defaults[] = {
      {options.sizes.batch, 1},
      {options.sizes.queryHeads, 16},
      {options.sizes.queryLen, 1024},
      {options.sizes.headDim, 128}};
  for (const auto &[list, value] : defaults)
    if (list.empty())
      list = {value};
  ATTN_TRY(options.traits, cli::readTraits(description));
  options.scoreFile = description.scoreFile;
  options.maskFile = description.maskFile;
  if (!description.causal.empty())
    options.causal = options.traits.causal;
  if (!description.causalAlign.empty())
    options.align = options.traits.align;
  std::string types = description.dtype;
  if (types.empty() && !options.loadCaptured)
    types = "fp16";
  if (!types.empty())
    for (const std::string &each : cli::splitList(types)) {
      ATTN_TRY(const api::Element element, api::parseElement(each));
      options.elements.push_back(element);
    }
  for (const std::string &each :
       cli::splitList(text.input.empty() ? "normal" : text.input)) {
    ATTN_TRY(const rt::InputKind kind, rt::parseInputKind(each));
    options.inputs.push_back(kind);
  }
  if (!text.scale.empty()) {
    ATTN_TRY(options.scale, cli::parseReal("scale", text.scale,
                                           api::leastFactor, api::mostFactor));
  }
  return rt::success();
}

static rt::Status readMetric(const BenchText &text, Options &options) {
  Metrics &m = options.metrics;
  if (text.metric.empty()) {
    // The old tool shows only times beside a comparison.
    if (text.compareToRef)
      m = {true, false, false, false};
  } else if (text.metric == "time") {
    m = {true, false, false, false};
  } else if (text.metric == "throughput") {
    m = {false, true, false, false};
  } else if (text.metric == "bandwidth") {
    m = {false, false, true, false};
  } else if (text.metric == "arithmetic_intensity") {
    m = {false, false, false, true};
  } else if (text.metric != "all") {
    return cli::refused("metric", text.metric,
                        "time, throughput, bandwidth, arithmetic_intensity, "
                        "all");
  }
  return rt::success();
}

static rt::Status readReference(const BenchText &text, Options &options) {
  if (!text.reference.empty())
    options.reference = text.reference;
  if (options.reference == "torch" || options.reference == "fav2")
    return rt::success();
  for (const char *known : {"fp8", "fav3_fp8", "qk_int8", "sagev1",
                            "sagev1_fa3", "sage_fa3", "fav3_sage"})
    if (options.reference == known)
      return rt::unsupported("ref: '" + options.reference +
                             "' given, the quantised kernels are not there "
                             "yet; allowed: torch, fav2");
  return cli::refused("ref", options.reference, "torch, fav2");
}

static rt::Status readTiming(const BenchText &text, Options &options) {
  if (!text.warmup.empty()) {
    ATTN_TRY(options.warmupMs,
             cli::parseReal("warmup", text.warmup, 0, kMostMilliseconds));
  }
  if (!text.rep.empty()) {
    ATTN_TRY(options.repMs,
             cli::parseReal("rep", text.rep, 0, kMostMilliseconds));
  }
  if (!text.timeout.empty()) {
    ATTN_TRY(options.timeoutSeconds,
             cli::parseReal("timeout", text.timeout, 0.001, kMostSeconds));
  }
  options.coldCache = !text.keepCache;
  return rt::success();
}

rt::Result<Options> bench::checkOptions(const BenchText &text) {
  Options options;
  ATTN_CHECK(readAttention(text, options));
  ATTN_CHECK(readMetric(text, options));
  if (!text.flops.empty()) {
    ATTN_TRY(options.flops, rt::parseFlopConvention(text.flops));
  }
  ATTN_CHECK(readReference(text, options));
  options.deterministic = text.description.deterministic;
  options.device = text.device;
  options.target = text.target;
  options.schedule = text.schedule;
  if (!options.target.empty())
    ATTN_CHECK(api::checkTarget(options.target));
  if (!text.seed.empty()) {
    ATTN_TRY(const int64_t seed,
             cli::parseInteger("seed", text.seed, 0, INT64_MAX));
    options.seed = uint64_t(seed);
  }
  ATTN_CHECK(readTiming(text, options));
  if (text.noCache && text.assertCached)
    return rt::badInput("assert_cached: given beside no_cache, which finds "
                        "nothing; allowed: one of them");
  options.engine.useStore = !text.noCache;
  options.engine.mustBeCached = text.assertCached;
  options.engine.pinFile = text.pinFile;
  options.engine.tune = text.tune;
  options.capturedDir =
      text.capturedDir.empty() ? "./captured_inputs" : text.capturedDir;
  options.ignoreKwargs = text.ignoreKwargs;
  options.compareToRef = text.compareToRef;
  options.printCompareStats = text.printCompareStats;
  options.printVgpr = text.printVgpr;
  options.saveOutput = text.saveOutput;
  if (!text.outputDir.empty())
    options.outputDir = text.outputDir;
  options.jsonFile = text.jsonFile;
  options.csvFile = text.csvFile;
  if (text.oldCsv && options.csvFile.empty())
    options.csvFile = options.loadCaptured
                          ? "bench_diffusion_attention_captured.csv"
                          : "bench_diffusion_attention.csv";
  return options;
}
