// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the texts of the description flags to a description.
#include "tools/cli/DescriptionText.h"
#include "tools/cli/Numbers.h"

using namespace attn_jit;
using namespace attn_jit::cli;

static constexpr int64_t kMaxDim = 1024, kMaxHeads = 65535;
static constexpr int64_t kMaxBatch = 65535, kMaxLength = INT32_MAX;

rt::Result<Sizes> cli::readSizes(const DescriptionText &text, int64_t heads) {
  Sizes sizes;
  struct {
    const char *name;
    const std::string &text;
    int64_t most;
    std::vector<int64_t> &to;
  } const flags[] = {{"b", text.batch, kMaxBatch, sizes.batch},
                     {"hq", text.queryHeads, kMaxHeads, sizes.queryHeads},
                     {"hk", text.kvHeads, kMaxHeads, sizes.kvHeads},
                     {"sq", text.queryLen, kMaxLength, sizes.queryLen},
                     {"sk", text.kvLen, kMaxLength, sizes.kvLen},
                     {"d", text.headDim, kMaxDim, sizes.headDim},
                     {"dv", text.valueDim, kMaxDim, sizes.valueDim}};
  for (const auto &flag : flags)
    if (!flag.text.empty()) {
      ATTN_TRY(flag.to, parseIntegers(flag.name, flag.text, 1, flag.most));
    }
  const std::vector<int64_t> queryHeads =
      sizes.queryHeads.empty() ? std::vector{heads} : sizes.queryHeads;
  for (const int64_t hq : queryHeads)
    for (const int64_t hk : sizes.kvHeads)
      if (hq % hk)
        return rt::badInput("hq: " + std::to_string(hq) +
                            " given, allowed: a multiple of hk, which is " +
                            std::to_string(hk));
  return sizes;
}

rt::Result<api::Description> cli::readTraits(const DescriptionText &text) {
  api::Description description;
  if (!text.layout.empty()) {
    ATTN_TRY(description.layout, api::parseLayout(text.layout));
  }
  if (!text.precision.empty()) {
    ATTN_TRY(description.precision, api::parsePrecision(text.precision));
  }
  if (!text.causalAlign.empty()) {
    ATTN_TRY(description.align, api::parseAlign(text.causalAlign));
  }
  if (!text.causal.empty()) {
    ATTN_TRY(description.causal, parseBool("causal", text.causal));
  }
  description.lse = text.lse;
  if (!text.softcap.empty()) {
    ATTN_TRY(description.softcap,
             parseReal("softcap", text.softcap, 0, api::mostFactor));
  }
  if (!text.scoreFile.empty()) {
    ATTN_TRY(description.score, readText("score", text.scoreFile));
  }
  if (!text.maskFile.empty()) {
    ATTN_TRY(description.mask, readText("mask", text.maskFile));
  }
  ATTN_TRY(const std::string checked, api::scoreRegion(description));
  (void)checked;
  return description;
}

/// A module says all of it.
static rt::Status refuseBesideInput(const DescriptionText &text) {
  const std::pair<const char *, const std::string &> flags[] = {
      {"b", text.batch},
      {"hq", text.queryHeads},
      {"hk", text.kvHeads},
      {"sq", text.queryLen},
      {"sk", text.kvLen},
      {"d", text.headDim},
      {"dv", text.valueDim},
      {"dtype", text.dtype},
      {"precision", text.precision},
      {"layout", text.layout},
      {"causal", text.causal},
      {"causal-align", text.causalAlign},
      {"softcap", text.softcap},
      {"score", text.scoreFile},
      {"mask", text.maskFile}};
  for (const auto &[name, given] : flags)
    if (!given.empty())
      return refused(name, given, "nothing beside input, which says it");
  return text.lse ? rt::badInput("lse: given, allowed: nothing beside input, "
                                 "which says it")
                  : rt::success();
}

rt::Result<api::Description> cli::describe(const DescriptionText &text) {
  if (!text.inputFile.empty()) {
    ATTN_CHECK(refuseBesideInput(text));
    api::Description description;
    ATTN_TRY(description.module, readText("input", text.inputFile));
    return description;
  }
  if (text.headDim.empty())
    return rt::badInput("d: nothing given, allowed: an integer from 1 to " +
                        std::to_string(kMaxDim));
  ATTN_TRY(const int64_t headDim, parseInteger("d", text.headDim, 1, kMaxDim));
  int64_t valueDim = headDim;
  if (!text.valueDim.empty()) {
    ATTN_TRY(valueDim, parseInteger("dv", text.valueDim, 1, kMaxDim));
  }
  // Run-time sizes, of which only the class of calls tells images apart;
  // checked all the same.
  ATTN_TRY(const Sizes checked, readSizes(text, 1));
  (void)checked;
  ATTN_TRY(api::Description description, readTraits(text));
  description.headDim = headDim;
  description.valueDim = valueDim;
  if (!text.dtype.empty()) {
    ATTN_TRY(description.element, api::parseElement(text.dtype));
  }
  return description;
}
