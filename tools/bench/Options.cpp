// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From flag texts to checked values; every refusal names its flag.
#include "tools/bench/Options.h"
#include "tools/api/Compile.h"
#include "tools/bench/Numbers.h"

#include <cstdio>
#include <fstream>
#include <iterator>

using namespace attn_jit;
using namespace attn_jit::bench;

static constexpr int64_t kMaxDim = 1024, kMaxHeads = 65535;
static constexpr int64_t kMaxBatch = 65535, kMaxLength = INT32_MAX;

std::string bench::softcapRegion(double cap) {
  if (!(cap > 0))
    return "";
  char text[512];
  std::snprintf(text, sizeof text,
                "^bb0(%%s: f32, %%b: i32, %%h: i32, %%q: i32, %%kv: i32):\n"
                "  %%cap = arith.constant %.17e : f32\n"
                "  %%share = arith.divf %%s, %%cap : f32\n"
                "  %%bent = math.tanh %%share : f32\n"
                "  %%score = arith.mulf %%bent, %%cap : f32\n"
                "  attn.yield %%score : f32\n",
                double(float(cap)));
  return text;
}

static rt::Result<std::string> readText(const std::string &flag,
                                        const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file),
                   std::istreambuf_iterator<char>()};
  if (!file)
    return rt::badInput(flag + ": '" + path + "' given, which cannot be read");
  if (text.size() > (size_t(16) << 20))
    return rt::badInput(flag + ": '" + path +
                        "' given, allowed: at most 16 MiB of MLIR text");
  return text;
}

namespace {
/// A list flag: its values, or the default when it was not given.
struct ListFlag {
  const char *name;
  const std::string &text;
  int64_t most;
  std::vector<int64_t> fallback;
};
} // namespace

static rt::Result<std::vector<int64_t>> readList(const ListFlag &flag) {
  if (flag.text.empty())
    return flag.fallback;
  return parseIntegers(flag.name, flag.text, 1, flag.most);
}

static rt::Result<double> readSoftcap(const std::string &text) {
  if (text.empty())
    return 0.0;
  return parseReal("softcap", text, 0, false);
}

rt::Result<api::Description> bench::describe(const DescriptionText &text) {
  api::Description description;
  if (!text.inputFile.empty()) {
    ATTN_TRY(description.module, readText("input", text.inputFile));
    return description;
  }
  if (text.headDim.empty())
    return rt::badInput("d: nothing given, allowed: an integer from 1 to " +
                        std::to_string(kMaxDim));
  ATTN_TRY(description.headDim, parseInteger("d", text.headDim, 1, kMaxDim));
  description.valueDim = description.headDim;
  if (!text.valueDim.empty()) {
    ATTN_TRY(description.valueDim,
             parseInteger("dv", text.valueDim, 1, kMaxDim));
  }
  // Run-time sizes, of no consequence for an image; checked all the same.
  const std::string &hk = text.kvHeads;
  ATTN_TRY(const auto heads, readList({"hq", text.queryHeads, kMaxHeads, {1}}));
  ATTN_TRY(const auto kvHeads, readList({"hk", hk, kMaxHeads, heads}));
  if (heads.front() % kvHeads.front())
    return rt::badInput("hq: " + std::to_string(heads.front()) +
                        " given, allowed: a multiple of hk, which is " +
                        std::to_string(kvHeads.front()));
  for (const ListFlag &flag : {ListFlag{"b", text.batch, kMaxBatch, {1}},
                               ListFlag{"sq", text.queryLen, kMaxLength, {1}},
                               ListFlag{"sk", text.kvLen, kMaxLength, {1}}})
    ATTN_CHECK([&]() -> rt::Status {
      ATTN_TRY(const auto ignored, readList(flag));
      (void)ignored;
      return rt::success();
    }());
  if (!text.dtype.empty()) {
    ATTN_TRY(description.element, api::parseElement(text.dtype));
  }
  if (!text.layout.empty()) {
    ATTN_TRY(description.layout, api::parseLayout(text.layout));
  }
  if (!text.causalAlign.empty()) {
    ATTN_TRY(description.align, api::parseAlign(text.causalAlign));
  }
  if (!text.causal.empty()) {
    ATTN_TRY(description.causal, parseBool("causal", text.causal));
  }
  description.lse = text.lse;
  ATTN_TRY(const double softcap, readSoftcap(text.softcap));
  description.score = softcapRegion(softcap);
  if (!text.scoreFile.empty()) {
    if (softcap > 0)
      return rt::badInput("score: given beside softcap; write one region");
    ATTN_TRY(description.score, readText("score", text.scoreFile));
  }
  if (!text.maskFile.empty()) {
    ATTN_TRY(description.mask, readText("mask", text.maskFile));
  }
  return description;
}

static rt::Status readSizes(const DescriptionText &text, Options &options) {
  const int64_t d = 128, heads = 16, length = 1024;
  ATTN_TRY(options.batch, readList({"b", text.batch, kMaxBatch, {1}}));
  ATTN_TRY(options.queryHeads,
           readList({"hq", text.queryHeads, kMaxHeads, {heads}}));
  ATTN_TRY(options.kvHeads, readList({"hk", text.kvHeads, kMaxHeads, {}}));
  ATTN_TRY(options.queryLen,
           readList({"sq", text.queryLen, kMaxLength, {length}}));
  ATTN_TRY(options.kvLen, readList({"sk", text.kvLen, kMaxLength, {}}));
  ATTN_TRY(options.headDim, readList({"d", text.headDim, kMaxDim, {d}}));
  ATTN_TRY(options.valueDim, readList({"dv", text.valueDim, kMaxDim, {}}));
  for (const int64_t hq : options.queryHeads)
    for (const int64_t hk : options.kvHeads)
      if (hq % hk)
        return rt::badInput("hq: " + std::to_string(hq) +
                            " given, allowed: a multiple of hk, which is " +
                            std::to_string(hk));
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
    return rt::badInput("metric: '" + text.metric +
                        "' given, allowed: time, throughput, bandwidth, "
                        "arithmetic_intensity, all");
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
  return rt::badInput("ref: '" + options.reference +
                      "' given, allowed: torch, fav2");
}

rt::Result<Options> bench::checkOptions(const BenchText &text) {
  Options options;
  const DescriptionText &description = text.description;
  ATTN_CHECK(readSizes(description, options));
  for (const std::string &each :
       splitList(description.dtype.empty() ? "fp16" : description.dtype)) {
    ATTN_TRY(const api::Element element, api::parseElement(each));
    options.elements.push_back(element);
  }
  if (!description.dtype.empty())
    options.convert = options.elements.front();
  for (const std::string &each :
       splitList(text.input.empty() ? "normal" : text.input)) {
    ATTN_TRY(const rt::InputKind kind, rt::parseInputKind(each));
    options.inputs.push_back(kind);
  }
  if (!description.layout.empty()) {
    ATTN_TRY(options.layout, api::parseLayout(description.layout));
  }
  if (!description.causalAlign.empty()) {
    ATTN_TRY(options.align, api::parseAlign(description.causalAlign));
  }
  if (!description.causal.empty()) {
    ATTN_TRY(options.causal, parseBool("causal", description.causal));
  }
  ATTN_TRY(options.softcap, readSoftcap(description.softcap));
  options.lse = description.lse;
  if (!text.scale.empty()) {
    ATTN_TRY(options.scale, parseReal("scale", text.scale, 0, true));
  }
  ATTN_CHECK(readMetric(text, options));
  if (!text.flops.empty()) {
    ATTN_TRY(options.flops, rt::parseFlopConvention(text.flops));
  }
  ATTN_CHECK(readReference(text, options));
  options.device = text.device;
  options.target = text.target;
  options.schedule = text.schedule;
  if (!options.target.empty())
    ATTN_CHECK(api::checkTarget(options.target));
  if (!text.seed.empty()) {
    ATTN_TRY(const int64_t seed, parseInteger("seed", text.seed, 0, INT64_MAX));
    options.seed = uint64_t(seed);
  }
  for (auto [name, from, to] :
       {std::tuple{"warmup", &text.warmup, &options.warmupMs},
        {"rep", &text.rep, &options.repMs}})
    if (!from->empty()) {
      ATTN_TRY(*to, parseReal(name, *from, 0, false));
    }
  if (!text.timeout.empty()) {
    ATTN_TRY(options.timeoutSeconds,
             parseReal("timeout", text.timeout, 0, true));
  }
  options.coldCache = !text.keepCache;
  options.loadCaptured = text.loadCaptured || !text.capturedDir.empty();
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
