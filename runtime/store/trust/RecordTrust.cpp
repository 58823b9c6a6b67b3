// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/trust/RecordTrust.h"

using namespace attn_jit;
using namespace attn_jit::store;

void attn_jit::store::signRecord(const SigningKey &key, Record &record) {
  record.signature = key.sign(Domain::Record, record.body());
}

Voice attn_jit::store::voiceOf(const TrustedKeys &keys, const Record &record) {
  return record.signature && keys.verify(Domain::Record, record.body(),
                                         {&*record.signature, 1})
                                 .ok()
             ? Voice::Own
             : Voice::Foreign;
}

ReadRecords attn_jit::store::readRecords(std::span<const std::string> lines,
                                         const TrustedKeys &keys,
                                         const std::string &origin) {
  ReadRecords result;
  for (const std::string &line : lines) {
    auto record = Record::parse(line);
    if (!record) {
      ++result.leftOut;
      continue;
    }
    const Voice voice = voiceOf(keys, *record);
    result.records.push_back({std::move(*record), voice, origin});
  }
  return result;
}

void attn_jit::store::believeSigned(
    std::vector<StoredRecord> &records,
    const std::function<bool(const Record &)> &matter) {
  std::optional<rt::Result<TrustedKeys>> keys;
  for (StoredRecord &each : records) {
    if (each.voice == Voice::Bundled || each.origin.empty())
      continue;
    each.voice = Voice::Foreign;
    if (!each.record.signature || !matter(each.record))
      continue;
    if (!keys)
      keys = TrustedKeys::load();
    if (*keys)
      each.voice = voiceOf(**keys, each.record);
  }
}
