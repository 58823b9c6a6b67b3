// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All remotes, from where nobody waits for them. A look-up runs beside the
// compiler, and whoever has something first goes on; what was made here is
// written in the background. A remote that is dead, hangs, lies or whose name
// never resolves costs its own threads time and nobody else: handles are let go
// without waiting, and the end of the process waits for no more than a limit.
//
// A child of fork has none of this: there, nothing is found and offers are
// dropped, at once.
#ifndef ATTN_JIT_RUNTIME_STORE_TIERS_H
#define ATTN_JIT_RUNTIME_STORE_TIERS_H

#include "runtime/store/Action.h"
#include "runtime/store/remote/TierLink.h"

namespace attn_jit::store {

/// From a remote. The object has its digest and length and the action is of the
/// key; whose word it is has not been looked at (Trust.h).
struct FetchedEntry {
  Entry entry;
  std::string origin; ///< URL, without credentials
};
struct FetchedRecords {
  std::vector<std::string> lines;
  std::string origin;
};

/// Whose word it is has not been looked at (Lease.h).
struct FetchedLease {
  HeldName held;
  std::string origin;
};

template <typename T> struct FetchState;

/// A look-up that runs. Letting it go ends it, without waiting.
template <typename T> class Fetch {
public:
  Fetch() = default;
  explicit Fetch(std::shared_ptr<FetchState<T>> state);
  Fetch(Fetch &&) noexcept = default;
  Fetch &operator=(Fetch &&other) noexcept;
  ~Fetch();

  /// All has come that will come.
  bool done() const;
  /// What has come by then; later calls give what they find left. Nothing
  /// where nothing has.
  T wait(Deadline deadline);

private:
  std::shared_ptr<FetchState<T>> state;
};
/// Of the first remote, in order, that has it.
using EntryFetch = Fetch<std::optional<FetchedEntry>>;
/// Of all of them, as they come; of one that answers that it has none, too.
using RecordsFetch = Fetch<std::vector<FetchedRecords>>;
/// Of the first remote, in order, that says something.
using LeaseFetch = Fetch<std::optional<FetchedLease>>;

/// What this store has, for a server that lost its contents. Called in a
/// background thread, also while and after Tiers ends: it owns what it uses. A
/// visitor that returns false wants no more.
struct Refill {
  std::function<void(const std::function<bool(const Entry &)> &)> entries;
  std::function<void(const std::function<bool(const Digest &problem,
                                              std::span<const std::string>)> &)>
      records;
};

struct TierLimits {
  std::chrono::milliseconds exit{500}; ///< for writes, when Tiers ends
  size_t queuedBytes = size_t(256) << 20, queuedWrites = 1024;
  std::chrono::milliseconds epochEvery{30'000};
  /// Somebody waits for each answer: a remote that failed lately is asked all
  /// the same, what it does now is told to no other process, and whether it was
  /// emptied is not looked at.
  bool foreground = false;
};

struct RemoteStats {
  std::string url;
  bool readOnly = false;
  RemoteCounts counts; ///< of this process
  RemoteFigures all;   ///< with those of processes that have ended
  std::chrono::milliseconds readsOpenFor{}, writesOpenFor{}; ///< breakers
  int64_t quota = 0, quotaUsed = 0;
  size_t queued = 0;
  std::string recordsRefused, lastError;
};

/// Any number of threads at once.
class Tiers {
public:
  using Open =
      std::function<rt::Result<std::unique_ptr<Remote>>(const RemoteOptions &)>;

  /// `root` is the cache's (CacheRoot.h): breakers, quotas, epochs and figures
  /// are below root/v1/breakers; empty: they are this process's. An error of
  /// `open` is the URL's.
  static rt::Result<std::unique_ptr<Tiers>>
  open(std::span<const RemoteOptions> remotes, const std::string &root,
       const Refill &refill = {}, TierLimits limits = {},
       const Open &open = openRemote);
  /// Waits for writes, within the limit; what is left is dropped.
  ~Tiers();

  bool empty() const;
  /// `again`: asked once more for the same, which no count shows.
  EntryFetch fetch(const Digest &key, bool again = false);
  /// Takes a lease (Remote::lease) on the first remote that keeps some, or sees
  /// whose it is; where `text` is empty only that.
  LeaseFetch lease(const Digest &key, const std::string &text,
                   std::chrono::milliseconds valid);
  /// Whether that remote failed lately.
  bool fails(const std::string &origin) const;
  RecordsFetch fetchRecords(const Digest &problem);
  /// To all remotes that may be written.
  void offer(Entry entry);
  void offerRecords(const Digest &problem, std::vector<std::string> lines);
  /// Until all offers are written or given up; false: not by then.
  bool drain(Deadline deadline);
  std::vector<RemoteStats> stats();

private:
  struct State;
  explicit Tiers(std::shared_ptr<State> state) : state(std::move(state)) {}
  std::shared_ptr<State> state;
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_TIERS_H
