// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which store a root gets, and what reads lines into it.
#include "runtime/store/records/RecordStore.h"
#include "runtime/store/records/RecordRows.h"

#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;

std::string_view attn_jit::store::name(Voice voice) {
  return voice == Voice::Own       ? "own"
         : voice == Voice::Bundled ? "bundled"
                                   : "foreign";
}

bool attn_jit::store::hasRecords(const CacheRoot &root) {
  return root &&
         access((root.path +
                 (root.sharedFileSystem ? "/v1/records" : "/v1/records.sqlite"))
                    .c_str(),
                F_OK) == 0;
}

rt::Result<std::unique_ptr<RecordStore>>
attn_jit::store::openRecords(const CacheRoot &root) {
  if (!root)
    return openMemory();
  return root.sharedFileSystem ? openSegments(root) : openDatabase(root);
}

rt::Result<std::vector<StoredRecord>>
RecordStore::ofProblem(const Digest &problem) {
  ATTN_TRY(auto records, allOf(problem));
  takeOutRetracted(records);
  return records;
}

ReadRecords attn_jit::store::readRecords(std::string_view lines, Voice voice,
                                         const std::string &origin) {
  ReadRecords result;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    if (line.empty())
      continue;
    if (auto record = Record::parse(line))
      result.records.push_back({std::move(*record), voice, origin});
    else
      ++result.leftOut;
  }
  return result;
}
