// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pack's MANIFEST and MANIFEST.sig as values (Pack.h has the grammar). Each
// value has one text, and only that is read.
#ifndef ATTN_JIT_RUNTIME_STORE_PACKFORMAT_H
#define ATTN_JIT_RUNTIME_STORE_PACKFORMAT_H

#include "runtime/store/pack/Pack.h"

namespace attn_jit::store {

inline constexpr std::string_view packManifest = "MANIFEST",
                                  packSignatures = "MANIFEST.sig",
                                  packActions = "actions/",
                                  packObjects = "objects/",
                                  packRecords = "records.jsonl",
                                  packForeignRecords = "records.foreign.jsonl";
/// Of the two texts.
inline constexpr int64_t mostPackManifest = 48 << 20, mostPackSignatures = 4096;

struct PackEntry {
  std::string name;
  int64_t bytes = 0;
  Digest digest;

  bool isAction() const { return name.starts_with(packActions); }
  bool isObject() const { return name.starts_with(packObjects); }
};

std::string manifestText(std::span<const PackEntry> entries);
/// In the order of their names, each allowed and within the limits. The error
/// is about the MANIFEST and has no name before it.
rt::Result<std::vector<PackEntry>> parseManifestText(std::string_view text,
                                                     const PackLimits &limits);

std::string signaturesText(std::span<const Signature> signatures);
rt::Result<std::vector<Signature>> parseSignatures(std::string_view text);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_PACKFORMAT_H
