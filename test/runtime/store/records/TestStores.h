// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The three kinds of record store, each in a folder of its own, for tests that
// hold all of them to the same.
#ifndef ATTN_JIT_TEST_RUNTIME_STORE_TESTSTORES_H
#define ATTN_JIT_TEST_RUNTIME_STORE_TESTSTORES_H

#include "test/runtime/store/records/TestRecords.h"

namespace attn_jit::store::test {

enum class Kind { Database, Segments, Memory };

class Stores : public testing::TestWithParam<Kind> {
protected:
  bool onDisk() const { return GetParam() != Kind::Memory; }
  CacheRoot root(bool readOnly = false) const {
    return onDisk() ? folder.root(GetParam() == Kind::Segments, readOnly)
                    : CacheRoot();
  }
  TestFolder folder;
  std::unique_ptr<RecordStore> store = opened(root());

  int64_t add(std::span<const StoredRecord> records) {
    auto added = store->add(records);
    EXPECT_TRUE(added) << added.error().text;
    return added ? *added : -1;
  }
  int64_t add(const StoredRecord &record) { return add({&record, 1}); }
  std::vector<StoredRecord> of(int problem) {
    auto found = store->ofProblem(problemKey(problem).digest());
    EXPECT_TRUE(found) << found.error().text;
    return found ? std::move(*found) : std::vector<StoredRecord>();
  }
};
class StoresOnDisk : public Stores {};

inline std::string nameOf(const testing::TestParamInfo<Kind> &info) {
  return info.param == Kind::Database   ? "Database"
         : info.param == Kind::Segments ? "Segments"
                                        : "Memory";
}

// Each test has a binary of its own.
INSTANTIATE_TEST_SUITE_P(All, Stores,
                         testing::Values(Kind::Database, Kind::Segments,
                                         Kind::Memory),
                         nameOf);
INSTANTIATE_TEST_SUITE_P(All, StoresOnDisk,
                         testing::Values(Kind::Database, Kind::Segments),
                         nameOf);

} // namespace attn_jit::store::test

#endif // ATTN_JIT_TEST_RUNTIME_STORE_TESTSTORES_H
