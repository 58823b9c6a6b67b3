// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit cache: what is kept on this disk, and whose word it is.
#include "tools/cache/Shared.h"

using namespace attn_jit;

void cli::addCache(CLI::App &root, int &status) {
  CLI::App *cache = root.add_subcommand(
      "cache", "Kernels and records that are kept: look, mend, share, trust");
  cache->require_subcommand(1);
  for (auto add :
       {cache::addStats, cache::addWhy, cache::addVerify, cache::addPrune,
        cache::addExport, cache::addImport, cache::addPush, cache::addPull,
        cache::addWarm, cache::addPin, cache::addKeygen, cache::addSign,
        cache::addTrust, cache::addRevoke})
    add(*cache, status);
  cache->footer(
      "The store is $ATTN_JIT_CACHE, else $XDG_CACHE_HOME/attn-jit, else "
      "~/.cache/attn-jit; ATTN_JIT_CACHE=off is none.\n"
      "attn-jit cache COMMAND --help tells the flags of each.");
}
