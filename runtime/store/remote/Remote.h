// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What one kind of remote implements: bytes by name, and records by problem. A
// remote is asked by one thread at a time and may block up to its deadline,
// connecting included; whoever launches kernels never waits for it (Tiers.h).
// What it returns is a stranger's word: callers verify digests and signatures.
#ifndef ATTN_JIT_RUNTIME_STORE_REMOTE_H
#define ATTN_JIT_RUNTIME_STORE_REMOTE_H

#include "runtime/Result.h"
#include "runtime/store/Digest.h"

#include <chrono>
#include <memory>
#include <span>
#include <vector>

namespace attn_jit::store {

using Deadline = std::chrono::steady_clock::time_point;

/// Objects under the digest of their bytes, actions under their key's.
enum class Space { Objects, Actions };
std::string_view name(Space space); ///< "objects", "actions"

/// A lease as it is on a server (Lease.h).
struct HeldName {
  std::string text;
  std::chrono::milliseconds left{}; ///< by the server's word
};

class Remote {
public:
  virtual ~Remote() = default;

  /// "redis://cache:6379/0": credentials are left out wherever it is shown.
  virtual const std::string &url() const = 0;
  /// Nothing where it has none. Error codes: Timeout, Failed (broken,
  /// unreachable, refused: the text says which), BadInput (a reply that is no
  /// such thing: too long, of another length than it says), Unsupported (this
  /// remote does no such thing, which is no fault of it).
  virtual rt::Result<std::optional<std::string>>
  get(Space space, const Digest &name, Deadline deadline) = 0;
  virtual rt::Result<bool> exists(Space space, const Digest &name,
                                  Deadline deadline) = 0;
  /// Idempotent. An object's bytes have its name's digest.
  virtual rt::Status put(Space space, const Digest &name,
                         std::string_view bytes, Deadline deadline) = 0;
  /// As put(), in the place of `there`, nothing where nothing was there. False:
  /// somebody else's came between, so that what is there has to be read again.
  /// Where a server compares and sets in one step, nothing is lost. This one
  /// puts and looks whether it has stayed: of two who write at the same moment
  /// both may find that theirs did, and the later one's is there.
  virtual rt::Result<bool> replace(Space space, const Digest &name,
                                   const std::optional<std::string> &there,
                                   std::string_view bytes, Deadline deadline);

  /// The keys that have an action, for who takes all there is; Unsupported, in
  /// one sentence, where the server lists nothing.
  virtual rt::Result<std::vector<Digest>> actions(Deadline deadline) = 0;

  /// Why records cannot be kept here, one sentence; empty: they can, or the
  /// server has not been asked yet. Asks nothing.
  virtual std::string recordsRefused() const { return {}; }
  /// Set union: no line of another writer is lost. Lines without their ends,
  /// all of the problem with that digest.
  virtual rt::Status addRecords(const Digest &problem,
                                std::span<const std::string> lines,
                                Deadline deadline) = 0;
  /// All lines of a problem, each once, in any order.
  virtual rt::Result<std::vector<std::string>> records(const Digest &problem,
                                                       Deadline deadline) = 0;
  /// The problems that have records.
  virtual rt::Result<std::vector<Digest>> problems(Deadline deadline) = 0;

  /// Whose a name is. `text` is put there for `valid`, by the server's clock,
  /// if nobody's is; atomically, so that of many one has it. What is there
  /// then, one's own again where it was put before; nothing where `text` is
  /// empty, which only looks, and nobody's is there.
  virtual rt::Result<std::optional<HeldName>>
  lease(const Digest &name, std::string_view text,
        std::chrono::milliseconds valid, Deadline deadline);

  /// A text that the server loses with its contents and keeps otherwise: when
  /// it differs from the last one seen, everything is offered again. Empty
  /// where it cannot be told.
  virtual rt::Result<std::string> epoch(Deadline deadline) = 0;

  /// The largest reply that is read.
  static constexpr size_t mostBytes = 64 << 20;
};

/// A line of ATTN_JIT_REMOTE or of the config file (RemoteConfig.h).
struct RemoteOptions {
  std::string url;
  std::string prefix = "attn-jit"; ///< of every name on the server
  int64_t quotaBytes = 0;          ///< 0: none; beyond it nothing is written
  bool readOnly = false;
  std::chrono::milliseconds connect{100}, request{2000}, object{10000};
  /// Expiry of objects and actions where the server has one (Redis).
  std::chrono::hours expiry{24 * 30};
  /// Files in PEM, of HTTP and S3: who vouches for the server instead of the
  /// system's list; what this client shows, and its key.
  std::string authority, certificate, key;
};

/// One opener a kind, by the scheme of the URL; `openRemote` lists them.
/// Connects nothing yet. An error names the part of the URL that is wrong.
rt::Result<std::unique_ptr<Remote>> openRemote(const RemoteOptions &options);
rt::Result<std::unique_ptr<Remote>> openFolder(const RemoteOptions &options);
rt::Result<std::unique_ptr<Remote>> openRedis(const RemoteOptions &options);
rt::Result<std::unique_ptr<Remote>> openHttp(const RemoteOptions &options);
rt::Result<std::unique_ptr<Remote>> openS3(const RemoteOptions &options);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_REMOTE_H
