// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a tuning's records go, and what is known before it begins.
#ifndef ATTN_JIT_TOOLS_TUNE_KEEPING_H
#define ATTN_JIT_TOOLS_TUNE_KEEPING_H

#include "autotune/Search.h"
#include "tools/api/RecordExchange.h"
#include "tools/tune/Options.h"

namespace attn_jit::tuning {

/// Where records go, and the search's own file.
struct Keeping {
  tune::RecordSink *sink = nullptr;
  std::unique_ptr<tune::RecordSink> file; ///< the sink; null: it is `exchange`
  api::RecordExchange *exchange = nullptr;
  std::string recordsIn, stateFile;
};

/// In the file of the options, or this owner's store, whose absence is refused.
rt::Result<Keeping> keepingOf(const Options &options,
                              const tune::SearchSubject &subject);

/// What others found fast, and this compiler has not measured here, the fastest
/// first. A tuning takes seconds, so it waits for what remotes say.
rt::Result<std::vector<std::string>>
heardOf(const tune::SearchSubject &subject);

} // namespace attn_jit::tuning

#endif // ATTN_JIT_TOOLS_TUNE_KEEPING_H
