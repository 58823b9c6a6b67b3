// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where records lie that may choose schedules: in this user's store, and in the
// program's own folder.
#ifndef ATTN_JIT_TOOLS_API_RECORDSOURCES_H
#define ATTN_JIT_TOOLS_API_RECORDSOURCES_H

#include "autotune/BundledRecords.h"
#include "tools/api/RecordExchange.h"

#include <memory>

namespace attn_jit::api {

struct RecordSources {
  RecordExchange *own = nullptr;                       ///< null: none
  std::shared_ptr<const tune::BundledRecords> bundled; ///< null: none

  /// Of this user, by the environment, and beside libattn-jit.so.
  static RecordSources ofProcess(bool withStore = true);
};

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_RECORDSOURCES_H
