// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whose word a tuning record is. A record carries one signature, which is no
// part of its identity; what it is worth is asked when the record is used, by
// the key file as it is then.
#ifndef ATTN_JIT_RUNTIME_STORE_RECORDTRUST_H
#define ATTN_JIT_RUNTIME_STORE_RECORDTRUST_H

#include "runtime/store/records/RecordStore.h"
#include "runtime/store/trust/Trust.h"

namespace attn_jit::store {

/// In place of the signature that it has.
void signRecord(const SigningKey &key, Record &record);

/// Of a record from elsewhere: own if a listed key signed it, else foreign.
Voice voiceOf(const TrustedKeys &keys, const Record &record);

/// Lines that came from there, each with its voice.
ReadRecords readRecords(std::span<const std::string> lines,
                        const TrustedKeys &keys, const std::string &origin);

/// Gives those from elsewhere the voice that they have by the key file now,
/// whatever it was when they came; where that is refused none is believed. A
/// signature costs 70 us: only those that `matter` are looked at, and the rest
/// is foreign.
void believeSigned(std::vector<StoredRecord> &records,
                   const std::function<bool(const Record &)> &matter);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_RECORDTRUST_H
