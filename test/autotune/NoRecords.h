// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a search's records go in tests of something else: nowhere.
#ifndef ATTN_JIT_TEST_AUTOTUNE_NORECORDS_H
#define ATTN_JIT_TEST_AUTOTUNE_NORECORDS_H

#include "autotune/Journal.h"

namespace attn_jit::test {

struct NoRecords final : tune::RecordSink {
  rt::Result<std::vector<store::StoredRecord>>
  ofProblem(const store::Digest &) override {
    return std::vector<store::StoredRecord>();
  }
  rt::Status add(std::span<const store::Record>) override {
    return rt::success();
  }
};

} // namespace attn_jit::test

#endif // ATTN_JIT_TEST_AUTOTUNE_NORECORDS_H
