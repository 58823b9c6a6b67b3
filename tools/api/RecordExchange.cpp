// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Requests are made by whoever asks, which costs microseconds; what comes is
// read, verified and stored by one thread, which owns what it uses.
#include "tools/api/RecordExchange.h"
#include "runtime/store/trust/RecordTrust.h"
#include "tools/api/KernelStore.h"

#include <random>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::api;
using store::Deadline;
using store::Digest;
using store::StoredRecord;
using Clock = std::chrono::steady_clock;

/// Remotes are asked again for a problem by a process that begins so much
/// later: somebody tunes for minutes. Drawn, so that a fleet that starts at
/// once does not go on in step.
static constexpr std::chrono::seconds freshAtLeast{180}, freshAtMost{420};
/// For all remotes to answer, in the background; each request has its own
/// limit.
static constexpr std::chrono::seconds answerLimit{30};
static constexpr std::chrono::milliseconds look{20};
/// Of the thread at the end of the process.
static constexpr std::chrono::milliseconds endLimit{50};
/// Problems whose answers wait.
static constexpr size_t mostWaiting = 4096;
/// Stored at once, as all record stores of a process share a lock: 64 take a
/// millisecond or two, and a launch may want to read meanwhile.
static constexpr size_t portion = 64;
/// What one remote may say of a problem; a search of a minute writes 0.5 MB.
static constexpr size_t mostBytes = 16 << 20;

struct RecordExchange::Arrivals {
  Arrivals(std::shared_ptr<store::RecordStore> store, store::AskedTimes times)
      : store(std::move(store)), times(std::move(times)) {}

  const std::shared_ptr<store::RecordStore> store;
  const store::AskedTimes times;
  mutable std::mutex mutex;
  std::vector<Digest> problems;
  std::atomic<size_t> count = 0;
  std::atomic<bool> ending = false;

  bool keep(const Digest &problem, const store::FetchedRecords &found,
            const store::TrustedKeys &keys) const;
  bool collect(const Digest &problem, store::RecordsFetch &fetch,
               const store::TrustedKeys &keys, Deadline deadline) const;
};

static std::chrono::seconds drawFreshness() {
  std::random_device random;
  return std::chrono::seconds(std::uniform_int_distribution<int64_t>(
      freshAtLeast.count(), freshAtMost.count())(random));
}

static std::string namesOf(store::Tiers *remotes) {
  std::string names;
  if (remotes)
    for (const store::RemoteStats &each : remotes->stats())
      names += each.url + "\n";
  return names;
}

RecordExchange::RecordExchange(const store::CacheRoot &root,
                               store::Tiers *remotes)
    : root(root), remotes(remotes), process(getpid()),
      storing(std::make_unique<store::Lane>(mostWaiting, SIZE_MAX)) {
  // Touches no file, and fails for none.
  store = *store::openRecords(root);
  const bool kept = root && !root.readOnly;
  arrivals = std::make_shared<Arrivals>(
      kept || !root ? store : *store::openRecords({}),
      store::AskedTimes(kept ? root.path + "/v1/asked" : "", namesOf(remotes)));
}

RecordExchange::~RecordExchange() {
  if (!here()) {
    // Its locks may be held by threads that are the parent's alone.
    new std::unique_ptr<store::Lane>(std::move(storing));
    return;
  }
  arrivals->ending = true;
  storing->stop();
  storing->waitEnded(Clock::now() + endLimit);
}

rt::Result<RecordExchange *> RecordExchange::ofProcess() {
  ATTN_TRY(KernelStore * kernels, KernelStore::ofProcess());
  static RecordExchange exchange(kernels->disk().root(), kernels->remotes());
  return &exchange;
}

bool RecordExchange::here() const { return process == getpid(); }

//===----------------------------------------------------------------------===//
// This user's
//===----------------------------------------------------------------------===//

rt::Result<std::vector<Digest>> RecordExchange::problems() const {
  std::vector<Digest> all;
  if (!root || hasRecords(root)) {
    ATTN_TRY(all, store->problems());
  }
  if (arrivals->store != store) {
    ATTN_TRY(const auto beside, arrivals->store->problems());
    all.insert(all.end(), beside.begin(), beside.end());
  }
  return all;
}

rt::Result<std::vector<StoredRecord>>
RecordExchange::ofProblem(const Digest &problem) {
  return ofProblem(problem, [](const store::Record &) { return true; });
}

rt::Result<std::vector<StoredRecord>> RecordExchange::ofProblem(
    const Digest &problem,
    const std::function<bool(const store::Record &)> &matter) {
  std::vector<StoredRecord> records;
  if (!root || hasRecords(root)) {
    ATTN_TRY(records, store->allOf(problem));
  }
  if (arrivals->store != store) {
    ATTN_TRY(auto beside, arrivals->store->allOf(problem));
    std::ranges::move(beside, std::back_inserter(records));
  }
  store::believeSigned(records, [&](const store::Record &each) {
    return each.retracts || matter(each);
  });
  store::takeOutRetracted(records);
  return records;
}

rt::Status RecordExchange::each(
    const std::function<void(const StoredRecord &)> &visit) const {
  if (root && !hasRecords(root))
    return rt::success();
  const auto keys = store::TrustedKeys::load();
  return store->each([&](const StoredRecord &each) {
    StoredRecord now = each;
    if (!each.origin.empty())
      now.voice = keys ? voiceOf(*keys, each.record) : store::Voice::Foreign;
    visit(now);
  });
}

rt::Status RecordExchange::add(std::span<const store::Record> records) {
  std::vector<StoredRecord> own;
  const auto key = store::SigningKey::ofUser();
  for (const store::Record &record : records) {
    own.push_back({record, store::Voice::Own, {}});
    if (key && *key)
      store::signRecord(**key, own.back().record);
  }
  ATTN_TRY(const int64_t fresh, store->add(own));
  (void)fresh;
  return rt::success();
}

void RecordExchange::offer(const Digest &problem, const std::string &session) {
  if (!remotes || !here())
    return;
  auto records = store->allOf(problem);
  if (!records)
    return;
  std::vector<std::string> lines;
  for (const StoredRecord &each : *records)
    if (each.voice == store::Voice::Own && each.origin.empty() &&
        (each.record.retracts || each.record.session.starts_with(session)))
      lines.push_back(each.record.line());
  if (!lines.empty())
    remotes->offerRecords(problem, std::move(lines));
}

//===----------------------------------------------------------------------===//
// Others'
//===----------------------------------------------------------------------===//

/// None where their file is refused. In the caller's thread: the environment
/// names the file, and that is the program's to change.
static store::TrustedKeys listedKeys() {
  auto keys = store::TrustedKeys::load();
  return keys ? std::move(*keys) : store::TrustedKeys();
}

/// Whether there were any.
bool RecordExchange::Arrivals::keep(const Digest &problem,
                                    const store::FetchedRecords &found,
                                    const store::TrustedKeys &keys) const {
  std::span<const std::string> lines = found.lines;
  size_t bytes = 0;
  bool any = false;
  while (!lines.empty()) {
    const auto some = lines.first(std::min(lines.size(), portion));
    lines = lines.subspan(some.size());
    for (const std::string &line : some)
      bytes += line.size();
    if (bytes > mostBytes)
      break;
    auto records = store::readRecords(some, keys, found.origin).records;
    std::erase_if(records, [&](const StoredRecord &each) {
      return each.record.problemDigest() != problem;
    });
    any |= !records.empty() && store->add(records).ok();
  }
  return any;
}

/// As they come, so that a remote that is slow keeps back no other's. Whether
/// there were any.
bool RecordExchange::Arrivals::collect(const Digest &problem,
                                       store::RecordsFetch &fetch,
                                       const store::TrustedKeys &keys,
                                       Deadline deadline) const {
  bool any = false, answered = false, whole = false;
  for (bool last = false; !last;) {
    const Deadline now = Clock::now();
    whole = fetch.done();
    last = whole || now >= deadline || ending;
    for (const store::FetchedRecords &found :
         fetch.wait(std::min(deadline, now + look))) {
      any |= keep(problem, found, keys);
      answered = true;
    }
  }
  // Where nobody answered, or somebody may still, the next process asks again.
  if (answered && whole)
    times.asked(problem);
  return any;
}

bool RecordExchange::ask(const Digest &problem) {
  if (!remotes || !here())
    return false;
  static const std::chrono::seconds fresh = drawFreshness();
  {
    const std::lock_guard lock(mutex);
    const auto [of, first] = asked.try_emplace(problem, false);
    // collect() tells the time behind the records.
    if (first)
      of->second = arrivals->times.askedWithin(problem, fresh);
    if (!first || of->second)
      return of->second;
  }
  auto fetch =
      std::make_shared<store::RecordsFetch>(remotes->fetchRecords(problem));
  storing->push([arrivals = arrivals, fetch, problem, keys = listedKeys()] {
    if (!arrivals->collect(problem, *fetch, keys, Clock::now() + answerLimit))
      return;
    const std::lock_guard lock(arrivals->mutex);
    arrivals->problems.push_back(problem);
    arrivals->count = arrivals->problems.size();
  });
  return false;
}

void RecordExchange::fetch(const Digest &problem, Deadline deadline) {
  if (!remotes || !here())
    return;
  auto found = remotes->fetchRecords(problem);
  (void)arrivals->collect(problem, found, listedKeys(), deadline);
}

std::vector<Digest> RecordExchange::came(size_t &seen) const {
  if (seen >= arrivals->count || !here())
    return {};
  const std::lock_guard lock(arrivals->mutex);
  const auto &all = arrivals->problems;
  std::vector<Digest> fresh(all.begin() + ptrdiff_t(seen), all.end());
  seen = all.size();
  return fresh;
}
