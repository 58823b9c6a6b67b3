// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Records of the journal stand for measurements; whatever is measured is in the
// journal before the next is.
#include "autotune/SearchSamples.h"
#include "autotune/Choice.h"

#include <numeric>

using namespace attn_jit;
using namespace attn_jit::tune;
using store::Outcome;
using store::Record;

/// A schedule beside which this many processes ended is taken to end them. Once
/// may have been anybody's kill.
static constexpr int kMostInterruptions = 2;

/// The step of what was found out before the first.
static constexpr uint64_t kRecall = 99000000;

SearchSamples::SearchSamples(const SearchSubject &subject,
                             const std::string &defaultPick,
                             std::span<const Candidate> given,
                             Measurer &measurer, Journal &journal,
                             const SearchOptions &options)
    : subject(subject), measurer(measurer), journal(journal), options(options),
      startSeconds(measurer.seconds()), name(journal.session()) {
  texts.push_back(defaultPick);
  predicted.push_back(0);
  for (const Candidate &each : given) {
    if (each.schedule == defaultPick) {
      predicted[0] = each.predictedUs;
      continue;
    }
    texts.push_back(each.schedule);
    predicted.push_back(each.predictedUs);
  }
}

double SearchSamples::spent() const {
  return journal.spentSeconds() + measurer.seconds() - startSeconds;
}

Record SearchSamples::recordOf(Place place, const std::string &session) const {
  Record record;
  record.problem = subject.problem;
  record.device = subject.device;
  record.compiler = subject.compiler;
  record.driver = subject.driver;
  record.schedule = texts[place];
  record.isDefault = place == 0;
  record.session = session;
  record.at = options.at.empty() ? utcNow() : options.at;
  if (options.share < 1)
    record.later = {
        {"share_percent", std::to_string(std::lround(100 * options.share))}};
  return record;
}

rt::Status SearchSamples::recall() {
  failed.assign(texts.size(), false);
  failsHere.assign(texts.size(), false);
  std::map<std::string, Place> places;
  for (Place i = 0; i < texts.size(); ++i)
    places.emplace(texts[i], i);
  for (const store::StoredRecord &each : journal.records()) {
    const Record &record = each.record;
    auto place = places.find(record.schedule);
    if (each.voice != store::Voice::Own || record.retracts ||
        place == places.end() || record.device != subject.device ||
        record.compiler != subject.compiler)
      continue;
    // A failure of this session comes when its turn does, as it did before.
    if (speaksAgainst(record.outcome) && record.driver == subject.driver) {
      if (record.session.starts_with(name))
        failsHere[place->second] = true;
      else
        fail(place->second);
    }
    if (record.outcome == Outcome::Ok)
      known[{record.session, record.schedule, record.samples}] = timeOf(record);
  }
  std::map<std::string, int> interruptions;
  for (const std::string &schedule : journal.interrupted())
    ++interruptions[schedule];
  std::vector<Record> crashed;
  for (const auto &[schedule, count] : interruptions) {
    auto place = places.find(schedule);
    if (place == places.end() || count < kMostInterruptions ||
        failed[place->second] || failsHere[place->second])
      continue;
    Record record = recordOf(place->second, name);
    record.outcome = Outcome::Crashed;
    record.note =
        "the tuner ended while it ran, " + std::to_string(count) + " times";
    crashed.push_back(std::move(record));
    failsHere[place->second] = true;
  }
  return crashed.empty() ? rt::success()
                         : journal.add(crashed, kRecall, {spent(), 0});
}

void SearchSamples::fail(Place place) {
  failedCount += !failed[place];
  failed[place] = true;
}

rt::Status SearchSamples::measure(std::vector<Place> &rung, int samples,
                                  const std::string &session, uint64_t step) {
  std::vector<Place> open;
  for (Place place : rung) {
    auto found = known.find({session, texts[place], samples});
    if (found != known.end())
      estimates[place] = found->second;
    else if (failsHere[place])
      fail(place);
    else {
      open.push_back(place);
      continue;
    }
    ++reusedCount;
  }
  const auto then = journal.timesOf(step);
  const bool again = open.empty() && then;
  now = again ? then->spentSeconds : spent();
  perSample = again ? then->sampleSeconds : perSample;
  std::mt19937_64 random(options.seed * 1000003 + step);
  for (int attempt = 0; !open.empty() && attempt <= options.retries;
       ++attempt) {
    ATTN_CHECK(attemptOnce(open, samples, session, step, random));
    now = spent();
    perSample = measurer.sampleSeconds();
  }
  // Slowed down to the last: of this rung nothing is known, so it ends here.
  for (Place place : open)
    estimates.erase(place);
  std::erase_if(rung, [&](Place place) {
    return failed[place] || !estimates.contains(place);
  });
  return rt::success();
}

/// Leaves in `open` what the device slowed down.
rt::Status SearchSamples::attemptOnce(std::vector<Place> &open, int samples,
                                      const std::string &session, uint64_t step,
                                      std::mt19937_64 &random) {
  std::vector<std::string> asked;
  for (Place place : open)
    asked.push_back(texts[place]);
  std::vector<Visit> visits, round(open.size());
  std::iota(round.begin(), round.end(), Visit(0));
  for (int i = 0; i < samples; ++i) {
    for (size_t n = round.size(); n > 1; --n)
      std::swap(round[n - 1], round[random() % n]);
    visits.insert(visits.end(), round.begin(), round.end());
  }
  ATTN_TRY(const std::vector<Measured> results,
           measurer.measure(asked, visits, [&](size_t which) {
             return journal.running(asked[which]);
           }));
  std::vector<Record> records;
  std::vector<Place> slowed;
  for (size_t i = 0; i < open.size(); ++i) {
    const Measured &result = results[i];
    Record record = recordOf(open[i], session);
    record.outcome = result.outcome;
    if (result.outcome == Outcome::Ok || result.error > 0)
      record.error = store::errorText(result.error);
    record.clockMHz = std::llround(result.clockMHz);
    record.note = result.note;
    if (result.outcome == Outcome::Ok) {
      setTime(record, estimate(result.samplesUs));
      estimates[open[i]] = timeOf(record);
    } else if (result.outcome == Outcome::Throttled) {
      slowed.push_back(open[i]);
    } else {
      fail(open[i]);
    }
    records.push_back(std::move(record));
  }
  open = std::move(slowed);
  return journal.add(records, step, {spent(), measurer.sampleSeconds()});
}

rt::Status SearchSamples::measureTogether(std::vector<Place> &rung, int samples,
                                          const std::string &session,
                                          uint64_t step) {
  const bool whole = std::ranges::all_of(rung, [&](Place place) {
    return known.contains({session, texts[place], samples});
  });
  if (!whole)
    std::erase_if(known, [&](const auto &each) {
      return std::get<0>(each.first) == session;
    });
  return measure(rung, samples, session, step);
}

void SearchSamples::sort(std::vector<Place> &places) const {
  std::ranges::sort(places, [&](Place a, Place b) {
    const double x = estimates.at(a).medianUs, y = estimates.at(b).medianUs;
    return x != y ? x < y : texts[a] < texts[b];
  });
}

std::string SearchSamples::firstNote() const {
  std::string any;
  for (const store::StoredRecord &each : journal.records()) {
    const store::Record &record = each.record;
    if (record.outcome == Outcome::Ok || record.note.empty())
      continue;
    if (speaksAgainst(record.outcome))
      return record.note;
    if (any.empty())
      any = record.note;
  }
  return any.empty() ? "nothing" : any;
}
