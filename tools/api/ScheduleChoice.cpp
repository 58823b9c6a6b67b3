// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lookups go from what costs least: calls seen before, buckets seen before, the
// set of measured problems, and then the records themselves.
#include "tools/api/ScheduleChoice.h"
#include "autotune/Search.h"
#include "tools/api/ScheduleRules.h"
#include "tools/api/Warning.h"

#include <algorithm>

using namespace attn_jit;
using namespace attn_jit::api;
using tune::At;
using tune::Source;

/// Answers for single calls that a family keeps; a decoder has one a token.
static constexpr size_t kMostCalls = 4096;
/// Lengths of one bucket of which remotes are asked one by one; what a bucket's
/// ends serve they are asked once.
static constexpr size_t kMostAsked = 64;

//===----------------------------------------------------------------------===//
// What a call asks
//===----------------------------------------------------------------------===//

/// Nothing where a size is not told, or cannot be.
static std::optional<tune::Call> sizesOf(const TypicalCall &call) {
  for (int64_t size :
       {call.batch, call.queryHeads, call.kvHeads, call.queryLen, call.kvLen})
    if (size <= 0 || size > INT32_MAX)
      return std::nullopt;
  if (call.queryHeads % call.kvHeads)
    return std::nullopt;
  return tune::Call{call.batch, call.queryHeads, call.kvHeads, call.queryLen,
                    call.kvLen};
}

static std::string familyName(const Description &description,
                              const CompileOptions &wanted,
                              bool deterministic) {
  std::string name = identity(description);
  name += ' ';
  name += std::to_string(wanted.alignment);
  name += deterministic ? " d " : " ";
  return name += wanted.target;
}

static void warnUnread(const rt::Error &error) {
  warnOnce("schedule: what was measured cannot be read, and does not serve in "
           "this process: " +
           error.text);
}

ScheduleChoice::ScheduleChoice(const rt::DeviceInfo &device,
                               std::function<RecordSources()> find, bool always)
    : ScheduleChoice(environmentOf(device), device.target, std::move(find),
                     always) {}

ScheduleChoice::ScheduleChoice(tune::PinEnvironment environment,
                               std::string target,
                               std::function<RecordSources()> find, bool always)
    : environment(std::move(environment)), deviceTarget(std::move(target)),
      device(tune::deviceOf(this->environment.device)), find(std::move(find)),
      always(always) {}

tune::PinEnvironment
ScheduleChoice::environmentOf(const rt::DeviceInfo &device) {
  return {compilerIdentity(), tune::driverText(device),
          tune::deviceKey(device)};
}

rt::Status ScheduleChoice::pin(const std::string &file) {
  ATTN_TRY(tune::Pin pin, tune::Pin::load(file));
  ATTN_CHECK(pin.holdsIn(environment, file));
  const std::lock_guard lock(mutex);
  frozen = std::move(pin);
  awaited.clear();
  families.clear();
  return rt::success();
}

void ScheduleChoice::refresh() {
  const std::lock_guard lock(mutex);
  found = false;
  awaited.clear();
  families.clear();
}

/// Looks where records are, the first time. Another target's code is not what
/// was measured on this device.
bool ScheduleChoice::mayServe(const CompileOptions &wanted) {
  if (wanted.target != deviceTarget)
    return false;
  if (frozen)
    return true;
  if (!found) {
    found = true;
    sources = find();
    known.clear();
    if (sources.own) {
      if (const auto problems = sources.own->problems())
        known = {problems->begin(), problems->end()};
      else
        warnUnread(problems.error());
    }
  }
  return always || !known.empty() || modelKnows(wanted.target) ||
         (sources.own && sources.own->hasRemotes()) ||
         (sources.bundled && sources.bundled->has(wanted.target));
}

ScheduleChosen ScheduleChoice::pinned(const tune::Problem &exact,
                                      const tune::Call &call) const {
  tune::Problem bucket = exact;
  bucket.sizes = tune::bucketOf(call, At::Least, exact.deterministic);
  for (const tune::Problem *problem : {&exact, &std::as_const(bucket)})
    if (const std::string *schedule =
            frozen->find(tune::problemKey(*problem).digest()))
      return {*schedule, Source::Pin, "the pin of this job names it"};
  return {{}, Source::Default, "the pin of this job has none for it"};
}

//===----------------------------------------------------------------------===//
// Records
//===----------------------------------------------------------------------===//

ScheduleChoice::Records ScheduleChoice::ownOf(const store::Digest &problem) {
  if (!known.contains(problem))
    return {};
  ++asked;
  // What choose() looks at: a search leaves hundreds, and its final pass five.
  auto records =
      sources.own->ofProblem(problem, [&](const store::Record &each) {
        return each.device == environment.device &&
               each.compiler == environment.compiler &&
               (tune::isFinalSession(each.session) ||
                tune::speaksAgainst(each.outcome));
      });
  if (records)
    return std::move(*records);
  warnUnread(records.error());
  return {};
}

/// From the remotes; what has come by then is in the store. What another
/// process was given since this one looked is there at once, so that two of one
/// host have one answer.
void ScheduleChoice::askFor(const tune::Problem &problem, Family &family,
                            const SizesKey &bucket) {
  if (!sources.own || !sources.own->hasRemotes())
    return;
  const store::Digest digest = tune::problemKey(problem).digest();
  awaited[digest] = {&family, bucket};
  if (sources.own->ask(digest))
    known.insert(digest);
}

/// What came since the last call, and whose it is: answers that depend on it
/// are worked out anew.
void ScheduleChoice::takeIn() {
  if (!sources.own)
    return;
  if (keyFile.changed())
    for (auto &[name, family] : families) {
      family.buckets.clear();
      family.exact.clear();
    }
  for (const store::Digest &problem : sources.own->came(seen)) {
    known.insert(problem);
    const auto found = awaited.find(problem);
    if (found == awaited.end())
      continue;
    const auto [family, bucket] = found->second;
    family->buckets.erase(bucket);
    family->exact.clear();
  }
}

ScheduleChoice::Records
ScheduleChoice::recordsOf(const std::string &target,
                          const tune::Problem &problem) {
  const store::Key key = tune::problemKey(problem);
  Records records;
  if (!known.empty())
    records = ownOf(key.digest());
  if (sources.bundled) {
    Records bundled = sources.bundled->ofProblem(target, key);
    if (!bundled.empty()) {
      std::ranges::move(bundled, std::back_inserter(records));
      store::takeOutRetracted(records);
    }
  }
  return records;
}

ScheduleChosen ScheduleChoice::among(const Description &description,
                                     const CompileOptions &wanted,
                                     const Family &family, const Records &exact,
                                     const Bucket &bucket) const {
  const bool records =
      !exact.empty() || !bucket.least.empty() || !bucket.most.empty();
  if (!records && !modelKnows(wanted.target))
    return {};
  tune::ChoiceQuery query;
  query.device = environment.device;
  query.compiler = environment.compiler;
  query.driver = environment.driver;
  query.defaultPick = defaultSchedule(description, wanted);
  query.exact = exact, query.least = bucket.least, query.most = bucket.most;
  query.legal = [&](const std::string &schedule) {
    return !family.failing.contains(schedule) &&
           isLegalSchedule(description, wanted, schedule);
  };
  tune::Chosen chosen = tune::choose(query);
  // Asked last, since it costs the most.
  if (chosen.source == Source::Default && !chosen.measured) {
    query.modelPick =
        modelSchedule(description, wanted, bucket.largest, device);
    if (!query.modelPick.empty())
      chosen = tune::choose(query);
  }
  // The default by its class: one kernel, whoever chose it.
  if (chosen.schedule == query.defaultPick)
    chosen.schedule.clear();
  return {std::move(chosen.schedule), chosen.source, std::move(chosen.why),
          chosen.measured};
}

ScheduleChoice::Asked ScheduleChoice::ask(const Description &description,
                                          const CompileOptions &wanted,
                                          const tune::Call &call,
                                          bool deterministic) {
  Family &family = families[familyName(description, wanted, deterministic)];
  if (family.description.empty())
    family.description = labelledText(description);
  tune::Problem problem;
  problem.description = family.description;
  problem.alignment = wanted.alignment;
  problem.deterministic = deterministic;
  problem.sizes = tune::exactSizes(call, deterministic);
  const tune::Sizes &sizes = problem.sizes;
  const SizesKey exactly = {sizes.queryLen.least, sizes.kvLen.least,
                            sizes.heads.least, sizes.group};
  return {std::move(problem), tune::bucketOf(call, At::Least, deterministic),
          exactly, family};
}

ScheduleChosen ScheduleChoice::choose(const Description &description,
                                      const CompileOptions &wanted,
                                      const TypicalCall &given) {
  if (!wanted.schedule.empty())
    return {wanted.schedule, Source::Flag, "a flag names it"};
  const std::optional<tune::Call> call = sizesOf(given);
  if (!call || !description.module.empty())
    return {};
  const std::lock_guard lock(mutex);
  if (!mayServe(wanted))
    return {};
  takeIn();
  auto [problem, least, exactly, family] =
      ask(description, wanted, *call, given.batchInvariant);
  if (const auto before = family.exact.find(exactly);
      before != family.exact.end())
    return before->second;
  if (family.exact.size() >= kMostCalls)
    family.exact.clear();
  if (frozen)
    return family.exact[exactly] = pinned(problem, *call);

  const SizesKey ends = {least.queryLen.most, least.kvLen.most,
                         least.heads.most, least.group};
  auto [at, fresh] = family.buckets.try_emplace(ends);
  Bucket &bucket = at->second;
  if (bucket.lengthsAsked < kMostAsked) {
    ++bucket.lengthsAsked;
    askFor(problem, family, ends);
  }
  if (fresh) {
    tune::Problem end = problem;
    end.sizes = least;
    askFor(end, family, ends);
    bucket.least = recordsOf(wanted.target, end);
    end.sizes.at = At::Most;
    askFor(end, family, ends);
    bucket.most = recordsOf(wanted.target, end);
    const tune::Call largest = end.sizes.callAt(At::Most);
    bucket.largest = {
        largest.batch, largest.queryHeads, largest.queryLen, largest.kvLen,
        false,         largest.kvHeads};
  }
  const Records exact = recordsOf(wanted.target, problem);
  ScheduleChosen chosen;
  if (!exact.empty()) {
    chosen = among(description, wanted, family, exact, bucket);
  } else {
    // Without records of its own a call has its bucket's answer.
    auto same = std::ranges::find(bucket.choices, wanted.calls,
                                  &decltype(bucket.choices)::value_type::first);
    if (same == bucket.choices.end())
      same = bucket.choices.insert(
          same,
          {wanted.calls, among(description, wanted, family, exact, bucket)});
    chosen = same->second;
  }
  family.exact[exactly] = chosen;
  chosen.fresh = true;
  return chosen;
}

void ScheduleChoice::failed(const Description &description,
                            const CompileOptions &wanted,
                            const TypicalCall &given,
                            const std::string &schedule,
                            const std::string &note, bool verdict) {
  const std::optional<tune::Call> call = sizesOf(given);
  if (!call)
    return;
  const std::lock_guard lock(mutex);
  auto [problem, least, exactly, family] =
      ask(description, wanted, *call, given.batchInvariant);
  family.failing.insert(schedule);
  for (auto &[sizes, bucket] : family.buckets)
    bucket.choices.clear();
  family.exact.clear();
  ScheduleChosen chosen;
  chosen.why = note;
  family.exact[exactly] = std::move(chosen);

  if (!sources.own || !verdict)
    return;
  // What was measured for these sizes asks its own problem's failures, what
  // serves a bucket also those of its ends.
  std::vector<store::Record> records;
  for (const tune::Sizes &sizes : {problem.sizes, least}) {
    problem.sizes = sizes;
    store::Record record;
    record.problem = tune::problemKey(problem);
    record.device = environment.device;
    record.compiler = environment.compiler;
    record.driver = environment.driver;
    record.schedule = schedule;
    record.outcome = store::Outcome::CompileFailed;
    record.at = tune::utcNow();
    record.session = "served";
    record.note = note;
    records.push_back(std::move(record));
  }
  // What cannot be kept is found out again by the next process.
  (void)sources.own->add(records).ok();
}
