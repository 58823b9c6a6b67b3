// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The flags that say which attention, shared by bench and compile: as given,
// and their checked meaning. Every refusal names its flag.
#ifndef ATTN_JIT_TOOLS_CLI_DESCRIPTIONTEXT_H
#define ATTN_JIT_TOOLS_CLI_DESCRIPTIONTEXT_H

#include "tools/api/Description.h"

#include <vector>

namespace attn_jit::cli {

/// Empty: not given.
struct DescriptionText {
  std::string batch, queryHeads, kvHeads, queryLen, kvLen, headDim, valueDim;
  std::string precision;
  std::string dtype, layout, causal, causalAlign, softcap, scoreFile, maskFile;
  std::string inputFile; ///< compile only
  bool lse = false, deterministic = false;
};

/// The lists of the size flags; empty where one was not given.
struct Sizes {
  std::vector<int64_t> batch, queryHeads, kvHeads, queryLen, kvLen, headDim,
      valueDim;
};
/// \p heads: what stands for -hq where it was not given.
rt::Result<Sizes> readSizes(const DescriptionText &text, int64_t heads);

/// All but the sizes and the dtype; files read.
rt::Result<api::Description> readTraits(const DescriptionText &text);

/// One description, of the sizes that key an image; the others are checked.
rt::Result<api::Description> describe(const DescriptionText &text);

} // namespace attn_jit::cli

#endif // ATTN_JIT_TOOLS_CLI_DESCRIPTIONTEXT_H
