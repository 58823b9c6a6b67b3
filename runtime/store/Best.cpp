// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Queries over a problem's records. Nothing here looks at their order or at
// their times of day: clocks of hosts differ, and a set has no order.
#include "runtime/store/RecordStore.h"

#include <algorithm>
#include <map>
#include <tuple>

using namespace attn_jit::store;

namespace {
/// The strongest voice that retracts a record, by the problem that it names.
using Retractions = std::map<std::pair<Digest, Digest>, Voice>;

struct Objections {
  bool out = false, foreign = false;
};

struct Candidate {
  const StoredRecord *stored;
  int rank;
  bool objected;
};
} // namespace

static Retractions retractionsOf(std::span<const StoredRecord> records) {
  Retractions found;
  for (const auto &[record, voice, origin] : records) {
    if (!record.retracts)
      continue;
    const auto [there, isNew] =
        found.try_emplace({record.problemDigest(), *record.retracts}, voice);
    if (!isNew)
      there->second = std::min(there->second, voice);
  }
  return found;
}

static bool counts(const StoredRecord &stored, const Retractions &retractions) {
  if (stored.record.retracts)
    return false;
  if (retractions.empty())
    return true;
  const auto found = retractions.find(
      {stored.record.problemDigest(), stored.record.identity()});
  return found == retractions.end() ||
         (found->second == Voice::Foreign && stored.voice != Voice::Foreign);
}

void attn_jit::store::takeOutRetracted(std::vector<StoredRecord> &records) {
  const Retractions retractions = retractionsOf(records);
  std::erase_if(records, [&](const StoredRecord &stored) {
    return !counts(stored, retractions);
  });
}

/// Less than 0: it is no candidate.
static int classOf(const StoredRecord &stored, const BestQuery &query) {
  const bool foreign = stored.voice == Voice::Foreign;
  if (!foreign && stored.record.compiler == query.compiler)
    return 0;
  return query.hints ? 1 + int(stored.voice) : -1;
}

static bool precedes(const Candidate &a, const Candidate &b) {
  auto rank = [](const Candidate &of) {
    return std::make_tuple(of.rank, of.objected, of.stored->record.medianNs);
  };
  if (rank(a) != rank(b))
    return rank(a) < rank(b);
  return a.stored->record.identity() < b.stored->record.identity();
}

std::vector<const StoredRecord *>
attn_jit::store::ranked(std::span<const StoredRecord> records,
                        const BestQuery &query) {
  const Retractions retractions = retractionsOf(records);
  std::vector<const StoredRecord *> counting;
  std::map<std::string_view, Objections> objections;
  for (const StoredRecord &stored : records) {
    const Record &record = stored.record;
    if (!counts(stored, retractions) || record.device != query.device)
      continue;
    if (record.outcome == Outcome::Ok)
      counting.push_back(&stored);
    if (isFailure(record.outcome) && record.compiler == query.compiler &&
        (query.driver.empty() || record.driver == query.driver)) {
      Objections &against = objections[record.schedule];
      (stored.voice == Voice::Foreign ? against.foreign : against.out) = true;
    }
  }
  std::map<std::string_view, Candidate> bySchedule;
  for (const StoredRecord *stored : counting) {
    const std::string_view schedule = stored->record.schedule;
    const auto against = objections.find(schedule);
    const bool objected = against != objections.end();
    const Candidate candidate{stored, classOf(*stored, query), objected};
    if (candidate.rank < 0 || (objected && against->second.out))
      continue;
    const auto [there, isNew] = bySchedule.try_emplace(schedule, candidate);
    if (!isNew && precedes(candidate, there->second))
      there->second = candidate;
  }
  std::vector<Candidate> order;
  for (const auto &[schedule, candidate] : bySchedule)
    order.push_back(candidate);
  std::ranges::sort(order, precedes);
  std::vector<const StoredRecord *> result;
  for (const Candidate &candidate : order)
    result.push_back(candidate.stored);
  return result;
}

const StoredRecord *attn_jit::store::best(std::span<const StoredRecord> records,
                                          const BestQuery &query) {
  const auto order = ranked(records, query);
  return order.empty() ? nullptr : order.front();
}
