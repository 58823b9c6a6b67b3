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

/// This worker's: what it has compiled, then every n-th of n workers, then the
/// shares of the others from their ends.
std::vector<size_t>
SharedMeasurer::orderOf(std::span<const std::string> schedules) const {
  std::vector<size_t> order(schedules.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::ranges::sort(order, {}, [&](size_t i) {
    const size_t share = (i + workers - place) % workers;
    return std::tuple(!compiled.contains(schedules[i]), share,
                      share ? schedules.size() - i : i);
  });
  return order;
}

/// Its share is compiled ahead; what others do not get done, when it is leased.
void SharedMeasurer::announce(std::span<const std::string> schedules) {
  const std::vector<size_t> order = orderOf(schedules);
  std::vector<std::string> texts;
  const size_t share = (order.size() + workers - 1) / workers;
  for (size_t i = 0; i < share; ++i)
    if (compiled.insert(schedules[order[i]]).second)
      texts.push_back(schedules[order[i]]);
  own.prepare(texts);
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
    compiled.insert(schedule);
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
  bool announced = false;
  while (true) {
    ATTN_TRY(const JoinServer::Taken taken,
             shared.server.take(step.number, what, asOne, orderOf(schedules)));
    if (taken.results.size() == schedules.size())
      return read(step, taken.results);
    workers = taken.workers, place = taken.place;
    if (!announced) {
      if (!asOne)
        announce(schedules);
      announce(next);
      announced = true;
    }
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
