// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pack carries kernels and records in one file: into image builds, to hosts
// without a network, into a repository. It is a tar.zst of regular files:
//
//   MANIFEST        "attn-jit.pack.v1\n", then of each entry below in the order
//                   of their names: SHA-256 " " bytes " " name "\n"
//   MANIFEST.sig    ("signature ed25519 " key-id " " base64 "\n")+, of MANIFEST
//                   in the domain Pack (Trust.h); absent: the pack is unsigned
//   actions/HEX     Action text under its key's digest
//   objects/HEX     bytes under their digest, each named by an action
//   records.foreign.jsonl, records.jsonl
//                   what the packer heard from others, and what is his own word
//
// in this order and nothing else. The same content is the same bytes (by one
// version of zstd). A pack's signature says that these are the packer's records
// and that nothing was changed on the way. It makes no code run: actions carry
// signatures of their own, which each load verifies.
#ifndef ATTN_JIT_RUNTIME_STORE_PACK_H
#define ATTN_JIT_RUNTIME_STORE_PACK_H

#include "runtime/store/trust/Trust.h"

#include <functional>

namespace attn_jit::store {

/// What a pack is filled from. Called by exportPack alone, on its thread.
struct PackSource {
  using OneAction = std::function<void(const Action &, bool own)>;
  using OneRecord = std::function<void(std::string_view line, bool own)>;
  /// Each action; `own`: made by this owner's compiler.
  std::function<rt::Status(const OneAction &)> actions;
  /// The bytes of that digest; asked twice for each.
  std::function<std::optional<std::string>(const Digest &)> object;
  /// Each record without its line end; `own`: measured by this owner, or signed
  /// by a key that he lists.
  std::function<rt::Status(const OneRecord &)> records;
};

struct PackExported {
  int64_t actions = 0, objects = 0, records = 0;
  /// Actions without an object, or of others and unsigned.
  int64_t leftOut = 0;
};

/// Writes a pack, whole or not at all. `key` signs the pack and the actions
/// that are this owner's own; without one the pack is unsigned and has records
/// alone, all as foreign: unsigned code would run nowhere.
rt::Result<PackExported> exportPack(const std::string &path,
                                    const PackSource &source,
                                    const SigningKey *key);

/// What reading a pack may cost. Beyond it, it is refused.
struct PackLimits {
  int64_t entries = 1 << 18;
  int64_t bytes = int64_t(8) << 30;     ///< unpacked, together
  int64_t object = int64_t(64) << 20;   ///< of one
  int64_t records = int64_t(256) << 20; ///< of one of the two lists
  /// Unpacked for each packed byte, after the first 16 MiB.
  int64_t ratio = 200;
};

/// Where a pack's content goes. Both are set unions: the same content again, or
/// in another order, gives the same state. Called by importPack alone.
struct PackSink {
  /// An entry from elsewhere with the listed key that signed its action. Of two
  /// for one key the store keeps merged().
  std::function<rt::Status(const Entry &, const std::string &signer)> publish;
  /// Lines without their ends; `own`: on the word of a listed key. How many
  /// were new.
  std::function<rt::Result<int64_t>(std::span<const std::string>, bool own)>
      addRecords;
};

struct PackImported {
  std::string signer;      ///< the listed key that signed the pack
  std::string recordsOnly; ///< else one sentence: why only records, as foreign
  int64_t actions = 0;     ///< published
  int64_t leftOut = 0;     ///< actions that no listed key has signed
  std::string whyLeftOut;  ///< of the first, one sentence about "it"
  int64_t records = 0, newRecords = 0;
};

/// Reads the pack twice: all of it is checked before the first thing is
/// published, in the order objects with their actions, records. A pack that is
/// in any way not what its MANIFEST and signature say is refused whole, in one
/// sentence. Memory: the actions, and one object or list of records.
rt::Result<PackImported> importPack(const std::string &path,
                                    const TrustedKeys &keys,
                                    const PackSink &sink,
                                    const PackLimits &limits = {});
/// The same of bytes in memory; errors begin with `name`.
rt::Result<PackImported> importPack(std::string_view bytes,
                                    const std::string &name,
                                    const TrustedKeys &keys,
                                    const PackSink &sink,
                                    const PackLimits &limits = {});

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_PACK_H
