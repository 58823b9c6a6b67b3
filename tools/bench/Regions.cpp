// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Recognises hand-written regions by the text the compiler makes of them.
#include "tools/bench/Regions.h"
#include "tools/api/Compile.h"

#include <charconv>

using namespace attn_jit;
using namespace attn_jit::bench;

std::string KnownRegions::unverifiable() const {
  if (maskKnown && scoreKnown)
    return "";
  return std::string("the reference does not know the ") +
         (maskKnown    ? "score region"
          : scoreKnown ? "mask region"
                       : "score and mask regions") +
         ", it knows causal and softcap";
}

/// The numbers of a region's constants: what its softcap may be.
static std::vector<double> constants(std::string_view region) {
  constexpr std::string_view kWord = "arith.constant ";
  std::vector<double> found;
  for (size_t at = region.find(kWord); at != region.npos;
       at = region.find(kWord, at + 1)) {
    const char *begin = region.data() + at + kWord.size();
    double value = 0;
    if (std::from_chars(begin, region.data() + region.size(), value).ec ==
        std::errc())
      found.push_back(value);
  }
  return found;
}

rt::Result<KnownRegions> bench::recognise(const api::Description &description) {
  KnownRegions known;
  known.causal = description.causal;
  known.softcap = description.softcap;
  api::Description plain;
  plain.headDim = 64;
  plain.align = description.align;
  if (!description.mask.empty()) {
    api::Description given = plain, causal = plain;
    given.mask = description.mask;
    causal.causal = true;
    ATTN_TRY(const std::string text, api::canonicalText(given));
    ATTN_TRY(const std::string causalText, api::canonicalText(causal));
    known.maskKnown = known.causal = text == causalText;
  }
  if (description.score.empty())
    return known;
  api::Description given = plain;
  given.score = description.score;
  ATTN_TRY(const std::string text, api::canonicalText(given));
  known.scoreKnown = false;
  for (const double cap : constants(description.score)) {
    api::Description softcap = plain;
    softcap.softcap = cap;
    const auto capText = api::canonicalText(softcap);
    if (cap == 0 || !capText || *capText != text)
      continue;
    known.scoreKnown = true;
    known.softcap = cap;
  }
  return known;
}
