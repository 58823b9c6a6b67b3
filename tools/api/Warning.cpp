// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/Warning.h"
#include "runtime/Printable.h"

#include <cstdio>
#include <mutex>
#include <set>

using namespace attn_jit;

/// More is a fault of ours, and nobody reads them.
static constexpr size_t kMostWarnings = 64, kMostCharacters = 1000;

void api::warnOnce(const std::string &text) {
  static std::mutex mutex;
  static std::set<std::string> said;
  bool fresh;
  {
    const std::lock_guard lock(mutex);
    fresh = said.size() < kMostWarnings && said.insert(text).second;
  }
  // Not under the lock: it may block.
  if (fresh)
    std::fprintf(stderr, "attn-jit: %s\n",
                 rt::printable(text, kMostCharacters).c_str());
}
