// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Records to test with, and a folder that goes when the test does.
#ifndef ATTN_JIT_TEST_RUNTIME_STORE_TESTRECORDS_H
#define ATTN_JIT_TEST_RUNTIME_STORE_TESTRECORDS_H

#include "runtime/store/records/RecordStore.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

namespace attn_jit::store::test {

inline Key keyOf(std::initializer_list<Key::Field> fields) {
  Key key;
  for (const auto &[label, value] : fields)
    key.add(label, value);
  return key;
}

inline Key problemKey(int number) {
  return keyOf({{"description", "head_dim=128\nscore=\"alibi\""},
                {"bucket", "q=[1,1] kv=[4096," + std::to_string(number) + "]"},
                {"dtype", "bf16"},
                {"goal", "latency"}});
}

inline Key h200() {
  return keyOf(
      {{"name", "NVIDIA H200"}, {"arch", "sm_90a"}, {"processors", "132"}});
}

/// Measured well; another `number` is another schedule and time.
inline Record measured(int problem, int number) {
  Record record;
  record.problem = problemKey(problem);
  record.device = h200();
  record.schedule = "flash_fwd_ws.v1<bm=128, bn=128, stages=2, number=" +
                    std::to_string(number) + ">";
  record.compiler = "attn-jit 0.1.0 llvm 22.1.8 1f2e3d4c5b6a7988";
  record.driver = "cuda 580.65.06";
  record.medianNs = 41800 + number;
  record.madNs = 200;
  record.samples = 60;
  record.error = "1.234e-03";
  record.clockMHz = 1980;
  record.at = "2026-11-28T03:41:19Z";
  record.session = "00112233445566778899aabbccddeeff";
  return record;
}

inline Record failed(int problem, int number, Outcome outcome) {
  Record record = measured(problem, number);
  record.outcome = outcome;
  record.medianNs = record.madNs = record.samples = 0;
  record.error.clear();
  record.note = "CUDA_ERROR_ILLEGAL_ADDRESS";
  return record;
}

inline Record retraction(const Record &of) {
  Record record;
  record.problem = of.problem;
  record.retracts = of.identity();
  record.at = "2026-11-29T00:00:00Z";
  record.note = "the clock was not locked";
  return record;
}

/// Of the form of one; no key made it.
inline Signature formedSignature(char letter = 'A') {
  return {"0011223344556677", std::string(85, letter) + "A=="};
}

inline std::vector<StoredRecord> manyOf(int problem, int count, int from = 0) {
  std::vector<StoredRecord> records;
  records.reserve(size_t(count));
  for (int i = 0; i < count; ++i)
    records.push_back({measured(problem, from + i), Voice::Own, {}});
  return records;
}

inline std::string lineOf(const StoredRecord &stored) {
  return std::string(name(stored.voice)) + " " + stored.origin + " " +
         stored.record.line();
}

inline std::vector<std::string> linesOf(RecordStore &store) {
  std::vector<std::string> lines;
  auto status = store.each(
      [&](const StoredRecord &stored) { lines.push_back(lineOf(stored)); });
  EXPECT_TRUE(status) << status.error().text;
  return lines;
}

class TestFolder {
public:
  TestFolder() {
    // A runner's own folder may be closed to the users that tests become.
    std::string form = "/tmp/attn-XXXXXX";
    path = mkdtemp(form.data());
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  CacheRoot root(bool shared = false, bool readOnly = false) const {
    return {path, {}, readOnly, shared};
  }
  std::string path;
};

inline std::string contentOf(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void setContent(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::unique_ptr<RecordStore> opened(const CacheRoot &root) {
  auto store = openRecords(root);
  EXPECT_TRUE(store);
  return std::move(*store);
}

} // namespace attn_jit::store::test

#endif // ATTN_JIT_TEST_RUNTIME_STORE_TESTRECORDS_H
