// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is shared out, and in which order, is chance; what comes back is not.
#include "autotune/JoinMeasurer.h"
#include "autotune/JoinLease.h"

#include <algorithm>
#include <numeric>
#include <thread>

using namespace attn_jit;
using namespace attn_jit::tune;

/// Between two looks at what the others do.
static constexpr std::chrono::milliseconds kLook{20};
/// Images that a worker's threads always have before them, as long as there are
/// so many: more than most hosts have processors for a device.
static constexpr size_t kAhead = 32;

/// Everything that decides what a step measures, and how.
static std::string contentOf(std::span<const std::string> schedules,
                             std::span<const Visit> visits) {
  std::string text = "attn-jit.step.v1\n";
  for (const std::string &schedule : schedules)
    text += schedule + "\n";
  for (Visit visit : visits)
    text += std::to_string(visit) + " ";
  return store::sha256(text).hex();
}

/// Each schedule is one worker's to compile, in turn down the ranked list, and
/// stays so while the list is ranked anew.
bool SharedMeasurer::owns(const std::string &schedule) {
  const size_t number = numbers.emplace(schedule, numbers.size()).first->second;
  return number % workers == place;
}

bool SharedMeasurer::runsAtOnce(const std::string &schedule) {
  return known.contains(schedule) || own.ready(schedule);
}

/// What runs at once, its own first; then what it compiles; then the shares of
/// others, from their ends.
JoinServer::Wanted
SharedMeasurer::wantedOf(std::span<const std::string> schedules) {
  JoinServer::Wanted wanted;
  using Rank = std::tuple<bool, bool, size_t>;
  std::vector<std::pair<Rank, size_t>> ranked;
  for (size_t i = 0; i < schedules.size(); ++i) {
    const bool mine = owns(schedules[i]), ready = runsAtOnce(schedules[i]);
    wanted.ready += ready, wanted.own += mine && !ready;
    ranked.push_back({{!ready, !mine, mine ? i : schedules.size() - i}, i});
  }
  std::ranges::sort(ranked);
  for (const auto &[rank, i] : ranked)
    wanted.order.push_back(i);
  return wanted;
}

/// Host threads compile this worker's share of the step, of the next one, and
/// of what comes later, in the order that holds now. Where nothing of it is
/// left, they compile for the others, from the ends of their shares (`open`);
/// and at once where images are shared, since most of those are made already.
void SharedMeasurer::workAhead(std::span<const std::string> schedules,
                               std::span<const std::string> open) {
  std::vector<std::string> mine;
  auto add = [&](std::span<const std::string> list, size_t most) {
    for (const std::string &schedule : list)
      if (mine.size() < most && owns(schedule) && !runsAtOnce(schedule))
        mine.push_back(schedule);
  };
  add(schedules, SIZE_MAX);
  add(next, SIZE_MAX);
  add(later, kAhead);
  own.forget();
  if (mine.empty() || (shared.images && shared.images->believes()))
    own.prepare(open.first((open.size() + 1) / 2));
  own.prepare(mine);
}

/// What helpers may compile now, in the order in which it is wanted.
void SharedMeasurer::publish(std::span<const std::string> schedules) {
  if (!shared.images)
    return;
  Work work = shared.work;
  work.schedules.assign(schedules.begin(), schedules.end());
  work.schedules.insert(work.schedules.end(), next.begin(), next.end());
  work.schedules.insert(work.schedules.end(), later.begin(), later.end());
  shared.images->publish(work.search, shared.seal.seal(work.text()));
}

rt::Result<std::vector<JoinServer::Result>>
SharedMeasurer::measureHere(const Step &step, const std::vector<size_t> &items,
                            const std::function<rt::Status(size_t)> &running) {
  std::vector<JoinServer::Result> results;
  auto add = [&](size_t item, const Measured &result) {
    const ItemName name{shared.job.session, step.number, step.schedules[item]};
    results.push_back(
        {item, shared.seal.seal(resultText(name, shared.worker, result))});
  };
  std::vector<std::string> texts;
  std::vector<size_t> ran;
  std::map<size_t, Visit> places;
  for (size_t item : items) {
    const std::string &schedule = step.schedules[item];
    if (auto before = known.find(schedule); before != known.end()) {
      add(item, before->second);
      continue;
    }
    places.emplace(item, texts.size());
    ran.push_back(item);
    texts.push_back(schedule);
  }
  if (texts.empty())
    return results;
  std::vector<Visit> visits;
  for (Visit visit : step.visits)
    if (auto found = places.find(visit); found != places.end())
      visits.push_back(found->second);
  const JoinLease lease(shared.renewals, step.number, items,
                        shared.leaseSeconds);
  ATTN_TRY(const std::vector<Measured> measured,
           own.measure(texts, visits,
                       [&](size_t which) { return running(ran[which]); }));
  for (size_t i = 0; i < ran.size(); ++i)
    add(ran[i], measured[i]);
  return results;
}

rt::Result<std::vector<Measured>>
SharedMeasurer::read(const Step &step, const std::vector<std::string> &texts) {
  std::vector<size_t> counts(step.schedules.size());
  for (Visit visit : step.visits)
    ++counts[visit];
  std::vector<Measured> results;
  double timing = 0;
  size_t samples = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    auto result = [&]() -> rt::Result<Measured> {
      ATTN_TRY(const std::string json, shared.seal.open(texts[i]));
      return parseResult(json,
                         {shared.job.session, step.number, step.schedules[i]},
                         counts[i]);
    }();
    if (!result)
      return rt::failed("join: a result on " + shared.server.shown() +
                        " is refused: " + result.error().text);
    clock += result->loadSeconds + result->timingSeconds;
    timing += result->timingSeconds;
    samples += result->samplesUs.size();
    results.push_back(std::move(*result));
  }
  if (samples)
    perSample = timing / double(samples);
  return results;
}

rt::Result<std::vector<Measured>>
SharedMeasurer::measure(std::span<const std::string> schedules,
                        std::span<const Visit> visits,
                        const std::function<rt::Status(size_t)> &running) {
  const Step step{steps++, schedules, visits};
  const std::string what = contentOf(schedules, visits);
  const bool asOne = schedules.size() <= together;
  for (std::span<const std::string> list :
       {schedules, std::span<const std::string>(next),
        std::span<const std::string>(later)})
    for (const std::string &schedule : list)
      (void)owns(schedule); // in one order everywhere
  for (bool first = true;; first = false) {
    ATTN_TRY(const JoinServer::Taken taken,
             shared.server.take(step.number, what, asOne, wantedOf(schedules)));
    if (taken.results.size() == schedules.size())
      return read(step, taken.results);
    workers = taken.workers, place = taken.place;
    std::vector<std::string> open;
    if (taken.items.empty() && !asOne)
      for (size_t i : taken.open)
        open.push_back(schedules[i]);
    workAhead(asOne ? std::span<const std::string>() : schedules, open);
    if (first)
      publish(schedules);
    if (taken.items.empty()) {
      std::this_thread::sleep_for(kLook);
      continue;
    }
    auto results = measureHere(step, taken.items, running);
    if (!results) {
      // The device's or the host's: others measure these. The leases end by
      // themselves where the server is not to be reached.
      (void)shared.server.leave(step.number, taken.items);
      return results.takeError();
    }
    ATTN_CHECK(shared.server.post(step.number, *results));
  }
}
