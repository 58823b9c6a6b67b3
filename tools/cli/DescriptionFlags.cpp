// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The flags that say which attention it is.
#include "tools/cli/Arguments.h"

using namespace attn_jit;

void cli::addDescriptionFlags(CLI::App &command, DescriptionText &text,
                              bool forBench) {
  const std::string group = "Attention";
  // One image serves all sizes of a launch; compile chooses the schedule by
  // them.
  auto size = [&](const std::string &what, const char *fallback) {
    return forBench ? what + " (" + fallback + "); a list 1,2,3 makes rows"
                    : what + " of a typical call (many)";
  };
  const std::string list = forBench ? "; a list 1,2,3 makes rows" : "";
  auto add = [&](const char *name, std::string &to, const std::string &help) {
    return command.add_option(name, to, help)->group(group)->type_name("");
  };
  add("-b,--batch", text.batch, size("N  batch size", "1"));
  add("--hq", text.queryHeads, size("N  query heads", "16"));
  add("--hk", text.kvHeads,
      forBench ? size("N  key/value heads", "as -hq")
               : "N  key/value heads, given at launch; checked only");
  add("--sq", text.queryLen, size("N  query length", "1024"));
  add("--sk", text.kvLen,
      forBench ? size("N  key/value length", "as -sq")
               : "N  key/value length of a typical call (as -sq)");
  command
      .add_flag("--deterministic", text.deterministic,
                "no default schedule that depends on batch or heads: the same "
                "bits for a sequence whatever else is computed (of two runs "
                "they are always the same)")
      ->group(group);
  add("-d,--head-dim", text.headDim,
      forBench ? "N  head dim of Q and K (128)" + list
               : "N  head dim of Q and K");
  add("--dv", text.valueDim, "N  head dim of V (as -d)" + list);
  add("--dtype", text.dtype, "T  fp16, bf16, fp32 (fp16)" + list);
  add("--precision", text.precision,
      "P  of fp32: ieee, to 2e-6, or tf32, whose operands are rounded to 10 "
      "bits of mantissa (ieee)");
  add("--layout", text.layout, "L  bshd, bhsd (bshd)");
  add("--causal", text.causal,
      "[B]  a query sees no later key; alone it means true");
  add("--causal-align", text.causalAlign,
      "A  bottom-right: the last query sees the last key, as FlashAttention "
      "and AITER; top-left: query 0 sees key 0, as torch (bottom-right)");
  add("--softcap", text.softcap, "C  scores become C tanh(score / C)");
  command
      .add_flag("--lse,--return_lse", text.lse,
                "also write the log-sum-exp of each row")
      ->group(group);
  add("--score", text.scoreFile,
      "FILE  body of the score region (templates/README.md)");
  add("--mask", text.maskFile,
      "FILE  body of the mask region (templates/README.md)");
  if (forBench)
    return;
  add("--input", text.inputFile,
      "FILE  an attn or tile module, by hand or edited, instead of the above");
}
