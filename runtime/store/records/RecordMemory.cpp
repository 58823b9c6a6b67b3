// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Records of a process that has no folder: gone when it ends.
#include "runtime/store/records/RecordRows.h"

#include <map>

using namespace attn_jit;
using namespace attn_jit::store;

namespace {
class RecordMemory final : public RowStore {
  rt::Result<int64_t> put(std::span<const Row> rows) override;
  rt::Result<std::vector<Row>> rowsOf(const Digest &problem) override;
  rt::Result<std::vector<Row>> rowsAfter(const Digest *after,
                                         size_t most) override;
  rt::Result<std::vector<Digest>> problemsThere() override;
  rt::Result<int64_t> rowCount() override { return int64_t(all.size()); }

  std::map<Digest, Row> all;
  std::map<Digest, std::set<Digest>> byProblem;
};
} // namespace

rt::Result<int64_t> RecordMemory::put(std::span<const Row> rows) {
  int64_t added = 0;
  for (const Row &row : rows) {
    const auto [there, isNew] = all.try_emplace(row.identity, row);
    if (!isNew && prevails(row, there->second))
      there->second = row;
    byProblem[row.problem].insert(row.identity);
    added += isNew;
  }
  return added;
}

rt::Result<std::vector<Row>> RecordMemory::rowsOf(const Digest &problem) {
  std::vector<Row> rows;
  if (const auto found = byProblem.find(problem); found != byProblem.end())
    for (const Digest &identity : found->second)
      rows.push_back(all.at(identity));
  return rows;
}

rt::Result<std::vector<Row>> RecordMemory::rowsAfter(const Digest *after,
                                                     size_t most) {
  std::vector<Row> rows;
  for (auto it = after ? all.upper_bound(*after) : all.begin();
       it != all.end() && rows.size() < most; ++it)
    rows.push_back(it->second);
  return rows;
}

rt::Result<std::vector<Digest>> RecordMemory::problemsThere() {
  std::vector<Digest> problems;
  problems.reserve(byProblem.size());
  for (const auto &[problem, identities] : byProblem)
    problems.push_back(problem);
  return problems;
}

std::unique_ptr<RecordStore> attn_jit::store::openMemory() {
  return std::make_unique<RecordMemory>();
}
