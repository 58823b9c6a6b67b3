// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ratios to the default are taken within one final pass, never between
// sessions: boards, clocks and temperatures differ.
#include "autotune/Choice.h"
#include "autotune/Estimate.h"

#include <cstdio>
#include <map>
#include <set>

using namespace attn_jit;
using namespace attn_jit::tune;
using store::Outcome;
using store::Record;
using store::StoredRecord;
using store::Voice;

static constexpr std::string_view kFinal = ".final";

std::string tune::finalSession(const std::string &session) {
  return session + std::string(kFinal);
}

bool tune::isFinalSession(std::string_view session) {
  return session.ends_with(kFinal);
}

std::string_view tune::name(Source source) {
  switch (source) {
  case Source::Flag:
    return "flag";
  case Source::Pin:
    return "pin";
  case Source::Exact:
    return "exact";
  case Source::Bucket:
    return "bucket";
  case Source::Bundled:
    return "bundled";
  case Source::Model:
    return "model";
  case Source::Default:
    return "default";
  }
  return "?";
}

bool tune::speaksAgainst(Outcome outcome) {
  return outcome != Outcome::Ok && outcome != Outcome::Throttled &&
         outcome != Outcome::Illegal;
}

namespace {
/// One schedule beside the default of the same final pass.
struct Beside {
  Estimate own, standard;
  double ratio() const { return own.medianUs / standard.medianUs; }
  bool faster() const { return own.beats(standard); }
};
using BySchedule = std::map<std::string, Beside>;
} // namespace

static bool countsFor(const StoredRecord &each, const ChoiceQuery &query,
                      Voice voice) {
  return each.voice == voice && !each.record.retracts &&
         each.record.device == query.device &&
         (voice == Voice::Bundled || each.record.compiler == query.compiler);
}

static std::set<std::string>
failed(std::initializer_list<std::span<const StoredRecord>> sets,
       const ChoiceQuery &query) {
  std::set<std::string> schedules;
  for (auto records : sets)
    for (const StoredRecord &each : records)
      if (countsFor(each, query, Voice::Own) &&
          each.record.driver == query.driver &&
          speaksAgainst(each.record.outcome))
        schedules.insert(each.record.schedule);
  return schedules;
}

/// Of each schedule its worst showing beside the default: two passes that
/// disagree promise no more than the worse. The default stands there too.
static BySchedule besideDefault(std::span<const StoredRecord> records,
                                const ChoiceQuery &query, Voice voice) {
  // A pass that was cut off may have been repeated in its session: there, too,
  // the worse one counts, and for the default the better.
  std::map<std::string, std::map<std::string, Estimate>> sessions;
  for (const StoredRecord &each : records) {
    const Record &record = each.record;
    if (!countsFor(each, query, voice) || record.outcome != Outcome::Ok ||
        !isFinalSession(record.session) || record.medianNs <= 0)
      continue;
    auto &session = sessions[record.session];
    const Estimate made = timeOf(record);
    auto [at, fresh] = session.emplace(record.schedule, made);
    const bool standard = record.schedule == query.defaultPick;
    auto key = [](const Estimate &e) {
      return std::tuple(e.medianUs, e.madUs, e.samples);
    };
    if (!fresh &&
        (standard ? key(made) < key(at->second) : key(made) > key(at->second)))
      at->second = made;
  }
  BySchedule worst;
  for (const auto &[session, schedules] : sessions) {
    auto standard = schedules.find(query.defaultPick);
    if (standard == schedules.end())
      continue;
    for (const auto &[schedule, own] : schedules) {
      const Beside here = {own, standard->second};
      auto [at, fresh] = worst.emplace(schedule, here);
      if (!fresh && (here.ratio() > at->second.ratio() ||
                     (here.ratio() == at->second.ratio() && !here.faster())))
        at->second = here;
    }
  }
  return worst;
}

static std::string percent(double ratio) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * (1 - ratio));
  return text;
}

/// The fastest of these sizes; the default where nothing is faster beyond
/// noise; nothing where not even that was measured.
static std::optional<Chosen> fastest(const BySchedule &measured,
                                     const std::set<std::string> &against,
                                     const ChoiceQuery &query, Source source) {
  if (measured.empty())
    return std::nullopt;
  Chosen best = {query.defaultPick, source,
                 "nothing measured for these sizes is faster than the default"};
  for (const auto &[schedule, beside] : measured)
    if (beside.faster() && beside.ratio() < best.ratio &&
        !against.contains(schedule) && query.legal(schedule))
      best = {schedule, source,
              "measured for these sizes, " + percent(beside.ratio()) +
                  " faster than the default",
              beside.ratio()};
  return best;
}

/// What is faster at both ends, by the end where it gains least.
static std::optional<Chosen> between(const BySchedule &least,
                                     const BySchedule &most,
                                     const std::set<std::string> &against,
                                     const ChoiceQuery &query, Source source) {
  std::optional<Chosen> best;
  for (const auto &[schedule, low] : least) {
    auto high = most.find(schedule);
    if (high == most.end() || !low.faster() || !high->second.faster() ||
        against.contains(schedule))
      continue;
    const double ratio = std::max(low.ratio(), high->second.ratio());
    if ((!best || ratio < best->ratio) && query.legal(schedule))
      best = Chosen{schedule, source,
                    "measured at both ends of the bucket, at least " +
                        percent(ratio) + " faster than the default",
                    ratio};
  }
  return best;
}

static bool measuredHere(std::span<const StoredRecord> records,
                         const ChoiceQuery &query) {
  return std::ranges::any_of(records, [&](const StoredRecord &each) {
    return countsFor(each, query, Voice::Own) &&
           isFinalSession(each.record.session);
  });
}

static Chosen chooseAmong(const ChoiceQuery &query) {
  if (!query.flag.empty())
    return {query.flag, Source::Flag, "a flag names it"};
  if (!query.pin.empty())
    return {query.pin, Source::Pin, "the pin of this job names it"};
  const auto atExact = failed({query.exact}, query);
  const auto atEnds = failed({query.exact, query.least, query.most}, query);
  for (Voice voice : {Voice::Own, Voice::Bundled}) {
    const bool own = voice == Voice::Own;
    auto exact = fastest(besideDefault(query.exact, query, voice), atExact,
                         query, own ? Source::Exact : Source::Bundled);
    if (exact)
      return *exact;
    auto bucket = between(besideDefault(query.least, query, voice),
                          besideDefault(query.most, query, voice), atEnds,
                          query, own ? Source::Bucket : Source::Bundled);
    if (bucket)
      return *bucket;
  }
  if (!query.modelPick.empty() && !atEnds.contains(query.modelPick) &&
      query.legal(query.modelPick))
    return {query.modelPick, Source::Model,
            "nothing was measured: the model ranks it first"};
  return {query.defaultPick, Source::Default, "nothing was measured"};
}

Chosen tune::choose(const ChoiceQuery &query) {
  Chosen chosen = chooseAmong(query);
  chosen.measured =
      measuredHere(query.exact, query) ||
      (measuredHere(query.least, query) && measuredHere(query.most, query));
  return chosen;
}

std::vector<std::string> tune::hints(const ChoiceQuery &query) {
  struct Hint {
    double ratio = 1;
    bool failed = false;
  };
  std::map<std::string, Hint> found;
  const auto against = failed({query.exact, query.least, query.most}, query);
  for (auto records : {query.exact, query.least, query.most}) {
    std::map<std::string, int64_t> defaults;
    for (const StoredRecord &each : records)
      if (each.record.isDefault && each.record.outcome == Outcome::Ok) {
        auto [at, fresh] =
            defaults.emplace(each.record.session, each.record.medianNs);
        at->second = std::min(at->second, each.record.medianNs);
      }
    for (const StoredRecord &each : records) {
      const Record &record = each.record;
      // What is measured here, by this compiler, is no hint but known.
      if (record.retracts || record.device != query.device ||
          (each.voice == Voice::Own && record.compiler == query.compiler))
        continue;
      if (speaksAgainst(record.outcome))
        found[record.schedule].failed = true;
      auto standard = defaults.find(record.session);
      if (record.outcome != Outcome::Ok || standard == defaults.end() ||
          standard->second <= 0)
        continue;
      Hint &hint = found[record.schedule];
      hint.ratio = std::min(hint.ratio,
                            double(record.medianNs) / double(standard->second));
    }
  }
  std::vector<std::pair<std::string, Hint>> ranked;
  for (const auto &[schedule, hint] : found)
    if (hint.ratio < 1 && !against.contains(schedule) && query.legal(schedule))
      ranked.emplace_back(schedule, hint);
  std::ranges::sort(ranked, [](const auto &a, const auto &b) {
    return std::tuple(a.second.failed, a.second.ratio, a.first) <
           std::tuple(b.second.failed, b.second.ratio, b.first);
  });
  std::vector<std::string> schedules;
  for (const auto &[schedule, hint] : ranked)
    schedules.push_back(schedule);
  return schedules;
}
