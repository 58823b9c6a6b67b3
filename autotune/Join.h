// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One search by many workers. Each of them runs search() as it is, with a
// measurer that shares out what is to be measured and gives all workers the
// same results (JoinServer.h). So all come to the same next step, the same
// winner and the same records: the search is a function of its results, and its
// clock is what the devices spent, all together. There is no leader; a worker
// that comes late, or again, first hears of all results until then.
//
// Only who computes the same list for the same device, compiler and driver
// shares a search: its name is the digest of these. Nothing that runs comes
// from the server; each worker compiles what it measures.
#ifndef ATTN_JIT_AUTOTUNE_JOIN_H
#define ATTN_JIT_AUTOTUNE_JOIN_H

#include "autotune/JoinImages.h"
#include "autotune/JoinServer.h"
#include "autotune/JoinText.h"
#include "autotune/Journal.h"

namespace attn_jit::tune {

struct JoinOptions {
  std::string url;
  std::string keyFile; ///< of a signing key; empty: none
  JoinLimits limits;
  /// Where helpers hear what to compile, and for what; null: nowhere.
  JoinImages *images = nullptr;
  std::string target, release;
};

/// As search(); `sink` gets the records of each step, those that it has left
/// out. The budget is of the devices' seconds (Measured), summed over workers.
/// Ends with an error where the server is away for longer than the limit or has
/// lost the search, and where a text of it is not believed.
rt::Result<SearchReport>
searchShared(const JoinOptions &join, const SearchSubject &subject,
             const std::string &defaultPick,
             std::span<const Candidate> candidates, Measurer &measurer,
             RecordSink &sink, const SearchOptions &options,
             const std::function<void(const CurvePoint &)> &progress = {});

} // namespace attn_jit::tune

#endif
