// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/remote/FleetLookup.h"
#include "runtime/store/trust/Lease.h"

#include <algorithm>
#include <random>
#include <thread>

using namespace attn_jit;
using namespace attn_jit::store;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Between two looks for what another host makes; drawn anew each time, so that
/// a fleet that began at one moment does not ask at one moment.
static constexpr int leastPause = 15, mostPause = 45; // ms

FleetLookup::FleetLookup(Tiers &tiers, FleetMemory &memory, const Digest &key)
    : tiers(tiers), memory(memory), key(key), fetch(tiers.fetch(key)) {}

void FleetLookup::takeLease() {
  // Who cannot sign, or makes nothing that others could run, only looks.
  own.clear();
  if (auto signer = SigningKey::ofUser(); signer && *signer)
    own = Lease::of(key).text(**signer);
  lease = tiers.lease(key, own, Lease::mostValid);
  leaseAsked = true;
  stage = Stage::Leasing;
}

void FleetLookup::look(const FetchedLease &seen, const TrustedKeys &keys) {
  stage = Stage::Ended;
  if (!own.empty() && seen.held.text == own) {
    // Between the first look and the lease another may have made it.
    fetch = tiers.fetch(key, /*again=*/true);
    stage = Stage::Asked;
    return;
  }
  const auto of = Lease::open(seen.held.text, key, keys);
  const Deadline now = Clock::now();
  const milliseconds left =
      of ? std::min(seen.held.left, of->valid) : milliseconds(0);
  if (left <= milliseconds(0) || (!latest && !memory.mayWait()))
    return;
  if (!latest)
    latest = now + mostWait;
  until = std::min(now + left, *latest);
  if (until <= now)
    return;
  origin = seen.origin;
  stage = Stage::Elsewhere;
}

std::optional<FetchedEntry> FleetLookup::poll(const TrustedKeys &keys) {
  if (stage == Stage::Asked && fetch.done()) {
    stage = Stage::Ended;
    if (auto found = fetch.wait(Clock::now()))
      return found;
    if (!leaseAsked)
      takeLease();
  }
  if (stage == Stage::Leasing && lease.done()) {
    stage = Stage::Ended;
    if (const auto seen = lease.wait(Clock::now()))
      look(*seen, keys);
  }
  return std::nullopt;
}

std::optional<FetchedEntry> FleetLookup::await() {
  static thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<int> pause(leastPause, mostPause);
  Deadline now = Clock::now();
  while (now < until && !tiers.fails(origin)) {
    auto again = tiers.fetch(key, /*again=*/true);
    if (auto found = again.wait(until)) {
      stage = Stage::Ended;
      return found;
    }
    now = Clock::now();
    std::this_thread::sleep_until(
        std::min(until, now + milliseconds(pause(random))));
    now = Clock::now();
  }
  memory.wasInVain();
  // Whoever comes first makes it now.
  stage = Stage::Ended;
  if (now >= until && now < *latest)
    takeLease();
  return std::nullopt;
}
