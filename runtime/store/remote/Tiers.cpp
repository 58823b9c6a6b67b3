// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/remote/Tiers.h"
#include "runtime/store/remote/TierRemote.h"

#include <atomic>
#include <condition_variable>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;

/// What the threads' own end may take where no job holds them up.
static constexpr std::chrono::milliseconds threadsEnd{20};

namespace attn_jit::store {

template <typename T> struct FetchState {
  std::mutex mutex;
  std::condition_variable changed;
  T value{};
  bool done = false;
  std::atomic<bool> abandoned = false;
  const pid_t process = getpid();
};

template <typename T>
Fetch<T>::Fetch(std::shared_ptr<FetchState<T>> state)
    : state(std::move(state)) {}

template <typename T> Fetch<T> &Fetch<T>::operator=(Fetch &&other) noexcept {
  std::swap(state, other.state);
  return *this;
}

template <typename T> Fetch<T>::~Fetch() {
  if (state)
    state->abandoned = true;
}

template <typename T> bool Fetch<T>::done() const {
  // In a child of fork the mutex may be locked for ever.
  if (!state || state->process != getpid())
    return true;
  std::lock_guard lock(state->mutex);
  return state->done;
}

template <typename T> T Fetch<T>::wait(Deadline deadline) {
  if (!state || state->process != getpid())
    return {};
  std::unique_lock lock(state->mutex);
  state->changed.wait_until(lock, deadline, [&] { return state->done; });
  return std::exchange(state->value, T{});
}

template class Fetch<std::optional<FetchedEntry>>;
template class Fetch<std::vector<FetchedRecords>>;
template class Fetch<std::optional<FetchedLease>>;

} // namespace attn_jit::store

namespace {

/// Held by all jobs of one look-up. When the last one has run, or was dropped,
/// nothing more will come.
template <typename T> class Asking {
public:
  explicit Asking(std::shared_ptr<FetchState<T>> state)
      : state(std::move(state)) {}
  ~Asking() {
    std::lock_guard lock(state->mutex);
    state->done = true;
    state->changed.notify_all();
  }
  bool wanted() const { return !state->abandoned; }
  template <typename Change> void change(const Change &change) {
    std::lock_guard lock(state->mutex);
    change(state->value);
  }

private:
  std::shared_ptr<FetchState<T>> state;
};

using Remotes = std::vector<std::shared_ptr<TierRemote>>;

} // namespace

struct Tiers::State {
  Remotes remotes;
  TierLimits limits;
  const pid_t process = getpid();
  bool here() const { return process == getpid(); }
};

using AskingEntry = Asking<std::optional<FetchedEntry>>;

/// The remotes from `next` on, one after another.
static void ask(const std::shared_ptr<const Remotes> &remotes, size_t next,
                const Digest &key, bool again,
                const std::shared_ptr<AskingEntry> &asking) {
  for (; next < remotes->size() && asking->wanted(); ++next) {
    auto job = [remotes, next, key, again, asking] {
      if (!asking->wanted())
        return;
      if (auto found = (*remotes)[next]->find(key, again))
        asking->change([&](auto &value) { value = std::move(found); });
      else
        ask(remotes, next + 1, key, again, asking);
    };
    if ((*remotes)[next]->read(std::move(job)))
      return;
  }
}

using AskingLease = Asking<std::optional<FetchedLease>>;

namespace {
struct LeaseWanted {
  Digest key;
  std::string text;
  std::chrono::milliseconds valid;
};
} // namespace

/// As ask().
static void takeFrom(const std::shared_ptr<const Remotes> &remotes, size_t next,
                     const LeaseWanted &wanted,
                     const std::shared_ptr<AskingLease> &asking) {
  for (; next < remotes->size() && asking->wanted(); ++next) {
    auto then = [remotes, next, wanted, asking](std::optional<HeldName> held) {
      if (held)
        asking->change([&](auto &value) {
          value = {std::move(*held), (*remotes)[next]->shown()};
        });
      else
        takeFrom(remotes, next + 1, wanted, asking);
    };
    if ((*remotes)[next]->lease(wanted.key, wanted.text, wanted.valid,
                                std::move(then)))
      return;
  }
}

rt::Result<std::unique_ptr<Tiers>>
Tiers::open(std::span<const RemoteOptions> remotes, const std::string &root,
            const Refill &refill, TierLimits limits, const Open &open) {
  auto state = std::make_shared<State>();
  state->limits = limits;
  for (const RemoteOptions &options : remotes) {
    ATTN_TRY(auto remote,
             TierRemote::open(options,
                              root.empty() ? "" : root + "/v1/breakers", refill,
                              limits, open));
    state->remotes.push_back(std::move(remote));
  }
  return std::unique_ptr<Tiers>(new Tiers(std::move(state)));
}

Tiers::~Tiers() {
  if (!state->here()) {
    // Connections and locks are the parent's: nothing of it is ended here.
    new std::shared_ptr<State>(std::move(state));
    return;
  }
  const Deadline limit = std::chrono::steady_clock::now() + state->limits.exit;
  drain(limit);
  for (const auto &remote : state->remotes)
    remote->stop();
  const Deadline end = std::chrono::steady_clock::now() + threadsEnd;
  for (const auto &remote : state->remotes) {
    remote->waitEnded(end);
    remote->flushStats();
  }
}

bool Tiers::empty() const { return state->remotes.empty(); }

EntryFetch Tiers::fetch(const Digest &key, bool again) {
  if (!state->here())
    return {};
  auto to = std::make_shared<FetchState<std::optional<FetchedEntry>>>();
  ask(std::shared_ptr<const Remotes>(state, &state->remotes), 0, key, again,
      std::make_shared<AskingEntry>(to));
  return EntryFetch(std::move(to));
}

LeaseFetch Tiers::lease(const Digest &key, const std::string &text,
                        std::chrono::milliseconds valid) {
  if (!state->here())
    return {};
  auto to = std::make_shared<FetchState<std::optional<FetchedLease>>>();
  takeFrom(std::shared_ptr<const Remotes>(state, &state->remotes), 0,
           {key, text, valid}, std::make_shared<AskingLease>(to));
  return LeaseFetch(std::move(to));
}

bool Tiers::fails(const std::string &origin) const {
  for (const auto &remote : state->remotes)
    if (remote->shown() == origin)
      return remote->readsFail();
  return false;
}

RecordsFetch Tiers::fetchRecords(const Digest &problem) {
  if (!state->here())
    return {};
  auto to = std::make_shared<FetchState<std::vector<FetchedRecords>>>();
  auto asking = std::make_shared<Asking<std::vector<FetchedRecords>>>(to);
  for (const auto &remote : state->remotes)
    remote->read([remote, problem, asking] {
      if (!asking->wanted())
        return;
      if (auto found = remote->findRecords(problem))
        asking->change(
            [&](auto &value) { value.push_back(std::move(*found)); });
    });
  return RecordsFetch(std::move(to));
}

void Tiers::offer(Entry entry) {
  if (!state->here() || empty())
    return;
  const auto shared = std::make_shared<const Entry>(std::move(entry));
  for (const auto &remote : state->remotes)
    remote->write(shared);
}

void Tiers::offerRecords(const Digest &problem,
                         std::vector<std::string> lines) {
  if (!state->here() || empty())
    return;
  const auto shared =
      std::make_shared<const std::vector<std::string>>(std::move(lines));
  for (const auto &remote : state->remotes)
    remote->write(problem, shared);
}

bool Tiers::drain(Deadline deadline) {
  if (!state->here())
    return true;
  bool all = true;
  for (const auto &remote : state->remotes)
    all &= remote->drain(deadline);
  return all;
}

std::vector<RemoteStats> Tiers::stats() {
  std::vector<RemoteStats> all;
  if (state->here())
    for (const auto &remote : state->remotes)
      all.push_back(remote->stats());
  return all;
}
