// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One key's look-up among hosts that share remotes, beside this host's
// compiler: what is there is used; where nothing is, one host takes a lease
// (Lease.h) and compiles, and those that may run what he makes call their
// compilers off and wait for it.
//
// A wait ends with the lease, by this host's own clock since it saw it, and all
// waits of a look-up take mostWait together, whatever servers say. Only a lease
// of a listed key counts. Who has waited in vain does not wait again for a
// while: a server that hides what was made costs one lease.
#ifndef ATTN_JIT_RUNTIME_STORE_REMOTE_FLEETLOOKUP_H
#define ATTN_JIT_RUNTIME_STORE_REMOTE_FLEETLOOKUP_H

#include "runtime/store/remote/Tiers.h"
#include "runtime/store/trust/Trust.h"

#include <atomic>

namespace attn_jit::store {

/// What the look-ups of one store know of one another. Any number of threads.
class FleetMemory {
public:
  static constexpr std::chrono::seconds pause{30};
  bool mayWait() const {
    return std::chrono::steady_clock::now().time_since_epoch().count() >= from;
  }
  void wasInVain() {
    from =
        (std::chrono::steady_clock::now() + pause).time_since_epoch().count();
  }

private:
  std::atomic<Deadline::rep> from = INT64_MIN;
};

/// Used by one thread, who holds the key's lock (LocalStore::lock) from the
/// first poll() on: one look-up of a host takes part in the lease.
class FleetLookup {
public:
  static constexpr std::chrono::milliseconds mostWait{2000};

  /// Begins to ask. Both outlive it.
  FleetLookup(Tiers &tiers, FleetMemory &memory, const Digest &key);

  /// Never waits. What has come; and goes on: asks for the lease where nothing
  /// is there, and looks at whose it is. `keys` as they are now.
  std::optional<FetchedEntry> poll(const TrustedKeys &keys);
  /// Another host compiles it, by what poll() has seen.
  bool madeElsewhere() const { return stage == Stage::Elsewhere; }
  /// Where that is so: until it comes or the lease is over. Then it may be
  /// compiled here, with poll() beside it as before: another may be first.
  std::optional<FetchedEntry> await();

private:
  enum class Stage { Asked, Leasing, Elsewhere, Ended };
  void takeLease();
  void look(const FetchedLease &seen, const TrustedKeys &keys);

  Tiers &tiers;
  FleetMemory &memory;
  const Digest key;
  Stage stage = Stage::Asked;
  bool leaseAsked = false;
  EntryFetch fetch;
  LeaseFetch lease;
  std::string own; ///< the lease that this host put there; empty: none
  std::string origin;
  Deadline until{};               ///< of the lease that is waited for
  std::optional<Deadline> latest; ///< of all waits
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_REMOTE_FLEETLOOKUP_H
