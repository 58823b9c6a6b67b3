// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rungs. A candidate is its place in the list throughout; records of the
// journal stand for measurements that need not be made again.
#include "autotune/Search.h"
#include "autotune/Choice.h"
#include "autotune/Ranker.h"

#include <map>
#include <numeric>
#include <random>

using namespace attn_jit;
using namespace attn_jit::tune;
using store::Outcome;
using store::Record;

/// A schedule beside which this many processes ended is taken to end them. Once
/// may have been anybody's kill.
static constexpr int kMostInterruptions = 2;

/// Steps by number: chunks of the first rung from 0, then each rung's, then
/// these. A step's number seeds its order.
static constexpr uint64_t kRung = 1000000, kRecall = 99 * kRung,
                          kFinalPass = 100 * kRung;

namespace {
class Search {
public:
  Search(const SearchSubject &subject, const std::string &defaultPick,
         std::span<const Candidate> given, Measurer &measurer, Journal &journal,
         const SearchOptions &options,
         const std::function<void(const CurvePoint &)> &progress)
      : subject(subject), measurer(measurer), journal(journal),
        options(options), progress(progress), startSeconds(measurer.seconds()) {
    schedules.push_back(defaultPick);
    predicted.push_back(0);
    for (const Candidate &each : given) {
      if (each.schedule == defaultPick) {
        predicted[0] = each.predictedUs;
        continue;
      }
      schedules.push_back(each.schedule);
      predicted.push_back(each.predictedUs);
    }
    report.candidates = schedules.size();
    report.session = journal.session();
  }

  rt::Result<SearchReport> run() {
    ATTN_CHECK(recall());
    ATTN_CHECK(firstRung());
    ATTN_CHECK(furtherRungs());
    ATTN_CHECK(finalPass());
    ATTN_CHECK(journal.finish());
    report.seconds = clock;
    return std::move(report);
  }

private:
  using Place = size_t;
  /// Session, schedule, samples: what tells one measurement from another.
  using Known = std::tuple<std::string, std::string, int64_t>;

  std::vector<std::string> textsOf(const std::vector<Place> &places) const {
    std::vector<std::string> texts;
    texts.reserve(places.size());
    for (Place place : places)
      texts.push_back(schedules[place]);
    return texts;
  }

  double spent() const {
    return journal.spentSeconds() + measurer.seconds() - startSeconds;
  }

  Record recordOf(Place place, const std::string &session) const {
    Record record;
    record.problem = subject.problem;
    record.device = subject.device;
    record.compiler = subject.compiler;
    record.driver = subject.driver;
    record.schedule = schedules[place];
    record.isDefault = place == 0;
    record.session = session;
    record.at = options.at.empty() ? utcNow() : options.at;
    return record;
  }

  /// What is known from before: failures, and what this session has measured.
  rt::Status recall() {
    failed.assign(schedules.size(), false);
    failsHere.assign(schedules.size(), false);
    std::map<std::string, Place> places;
    for (Place i = 0; i < schedules.size(); ++i)
      places.emplace(schedules[i], i);
    for (const store::StoredRecord &each : journal.records()) {
      const Record &record = each.record;
      auto place = places.find(record.schedule);
      if (each.voice != store::Voice::Own || record.retracts ||
          place == places.end() || record.device != subject.device ||
          record.compiler != subject.compiler)
        continue;
      // A failure of this session comes when its turn does, as it did before.
      if (speaksAgainst(record.outcome) && record.driver == subject.driver) {
        if (record.session.starts_with(report.session))
          failsHere[place->second] = true;
        else
          fail(place->second);
      }
      if (record.outcome == Outcome::Ok)
        known[{record.session, record.schedule, record.samples}] =
            timeOf(record);
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
      Record record = recordOf(place->second, report.session);
      record.outcome = Outcome::Crashed;
      record.note =
          "the tuner ended while it ran, " + std::to_string(count) + " times";
      crashed.push_back(std::move(record));
      failsHere[place->second] = true;
    }
    return crashed.empty() ? rt::success()
                           : journal.add(crashed, kRecall, {spent(), 0});
  }

  void fail(Place place) {
    report.failed += !failed[place];
    failed[place] = true;
  }

  /// Rounds of all, each in an order of its own; those that failed are gone
  /// from `rung` afterwards, the others have an estimate.
  rt::Status measure(std::vector<Place> &rung, int samples,
                     const std::string &session, uint64_t step) {
    std::vector<Place> open;
    for (Place place : rung) {
      auto found = known.find({session, schedules[place], samples});
      if (found != known.end())
        estimates[place] = found->second;
      else if (failsHere[place])
        fail(place);
      else {
        open.push_back(place);
        continue;
      }
      ++report.reused;
    }
    const auto then = journal.timesOf(step);
    const bool again = open.empty() && then;
    clock = again ? then->spentSeconds : spent();
    perSample = again ? then->sampleSeconds : perSample;
    std::mt19937_64 random(options.seed * 1000003 + step);
    for (int attempt = 0; !open.empty() && attempt <= options.retries;
         ++attempt) {
      ATTN_CHECK(attemptOnce(open, samples, session, step, random));
      clock = spent();
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
  rt::Status attemptOnce(std::vector<Place> &open, int samples,
                         const std::string &session, uint64_t step,
                         std::mt19937_64 &random) {
    const std::vector<std::string> texts = textsOf(open);
    std::vector<Visit> visits, round(open.size());
    std::iota(round.begin(), round.end(), Visit(0));
    for (int i = 0; i < samples; ++i) {
      for (size_t n = round.size(); n > 1; --n)
        std::swap(round[n - 1], round[random() % n]);
      visits.insert(visits.end(), round.begin(), round.end());
    }
    ATTN_TRY(const std::vector<Measured> results,
             measurer.measure(texts, visits, [&](size_t which) {
               return journal.running(texts[which]);
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

  /// Less is better; the same for the same times.
  void sort(std::vector<Place> &places) const {
    std::ranges::sort(places, [&](Place a, Place b) {
      const double x = estimates.at(a).medianUs, y = estimates.at(b).medianUs;
      return x != y ? x < y : schedules[a] < schedules[b];
    });
  }

  void mark() {
    CurvePoint point;
    point.seconds = clock;
    point.measured = report.measured;
    if (!alive.empty()) {
      point.best = schedules[alive.front()];
      point.bestUs = estimates.at(alive.front()).medianUs;
    }
    report.curve.push_back(point);
    if (progress)
      progress(point);
  }

  size_t chunkOf(uint64_t number, size_t most) const {
    size_t count = options.chunk;
    for (; number > 0 && count < options.mostChunk; --number)
      count *= 2;
    return std::min({count, options.mostChunk, most});
  }

  rt::Status firstRung() {
    Ranker ranker(schedules);
    std::vector<Place> queue;
    for (Place i = 0; i < schedules.size(); ++i)
      if (!failed[i])
        queue.push_back(i);
    auto predictedOf = [&](Place i) {
      return predicted[i] > 0 ? predicted[i] : 1;
    };
    for (uint64_t number = 0; !queue.empty(); ++number) {
      // At least one chunk, however small the budget: something is chosen.
      if (number && clock >= options.firstShare * options.budgetSeconds)
        break;
      const size_t count = chunkOf(number, queue.size());
      std::vector<Place> chunk(queue.begin(), queue.begin() + count);
      queue.erase(queue.begin(), queue.begin() + count);
      const std::vector<std::string> rest = textsOf(queue);
      const size_t next = chunkOf(number + 1, rest.size());
      measurer.prepare(std::span(rest).first(next));
      measurer.expect(std::span(rest).subspan(next));
      ATTN_CHECK(measure(chunk, options.firstSamples, report.session, number));
      for (Place place : chunk) {
        alive.push_back(place);
        ranker.observe(
            place, std::log(estimates.at(place).medianUs / predictedOf(place)));
      }
      report.measured += count;
      sort(alive);
      mark();
      ranker.fit();
      std::map<Place, double> expected;
      for (Place place : queue)
        expected[place] =
            std::log(predictedOf(place)) + ranker.logRatioOf(place);
      std::ranges::sort(queue, [&](Place a, Place b) {
        return expected[a] != expected[b] ? expected[a] < expected[b] : a < b;
      });
    }
    return rt::success();
  }

  rt::Status furtherRungs() {
    int samples = options.firstSamples;
    for (uint64_t rung = 1; alive.size() > 1; ++rung) {
      const Estimate best = estimates.at(alive.front());
      std::vector<Place> next;
      for (Place place : alive) {
        const Estimate &own = estimates.at(place);
        if (own.lower() <= best.upper() &&
            own.medianUs <= best.medianUs * (1 + options.margin))
          next.push_back(place);
      }
      if (next.size() == 1) {
        report.stop = Stop::Separated;
        return rt::success();
      }
      samples *= 2;
      if (samples >= options.finalSamples) {
        report.stop = Stop::Resolved;
        return rt::success();
      }
      next.resize(
          std::min(next.size(), std::max(alive.size() / 2, options.finalists)));
      // The final pass must have its share of what is left.
      const double finals = perSample * double(options.finalSamples) *
                            double(options.finalists + 1);
      const double affordable = perSample > 0
                                    ? (options.budgetSeconds - clock - finals) /
                                          (perSample * double(samples))
                                    : double(next.size());
      if (affordable < double(std::min(next.size(), options.finalists)))
        return rt::success();
      next.resize(std::min(next.size(), size_t(affordable)));
      ATTN_CHECK(measure(next, samples, report.session, rung * kRung));
      // Of what was measured before and not again nothing new is known.
      alive = std::move(next);
      sort(alive);
      mark();
    }
    report.stop = Stop::Separated;
    return rt::success();
  }

  rt::Status finalPass() {
    std::vector<Place> finalists;
    if (!failed[0])
      finalists.push_back(0);
    // The default and one other at least, however little is left.
    const double affordable =
        perSample > 0 ? (options.budgetSeconds - clock) /
                            (perSample * double(options.finalSamples))
                      : double(options.finalists + 1);
    const double most =
        std::clamp(affordable, 2.0, double(options.finalists + 1));
    for (Place place : alive)
      if (place != 0 && finalists.size() < size_t(most))
        finalists.push_back(place);
    const std::string session = finalSession(report.session);
    // Beside each other or not at all: half a pass is measured again.
    for (Place place : finalists)
      if (!known.contains({session, schedules[place], options.finalSamples})) {
        std::erase_if(known, [&](const auto &each) {
          return std::get<0>(each.first) == session;
        });
        break;
      }
    ATTN_CHECK(measure(finalists, options.finalSamples, session, kFinalPass));
    if (finalists.empty())
      return rt::failed("tune: no schedule ran; the first said: " +
                        firstNote());
    report.defaultRan = finalists.front() == 0;
    if (report.defaultRan)
      report.defaultTime = estimates.at(0);
    sort(finalists);
    Place winner = finalists.front();
    if (report.defaultRan && !estimates.at(winner).beats(report.defaultTime))
      winner = 0;
    report.winner = schedules[winner];
    report.winnerTime = estimates.at(winner);
    alive = {winner};
    mark();
    return rt::success();
  }

  std::string firstNote() const {
    for (const store::StoredRecord &each : journal.records())
      if (!each.record.note.empty())
        return each.record.note;
    return "nothing";
  }

  const SearchSubject &subject;
  Measurer &measurer;
  Journal &journal;
  const SearchOptions &options;
  const std::function<void(const CurvePoint &)> &progress;
  const double startSeconds;
  std::vector<std::string> schedules; ///< the default first
  std::vector<double> predicted;
  std::vector<bool> failed;    ///< nothing runs them any more
  std::vector<bool> failsHere; ///< known to, when their turn comes
  std::map<Known, Estimate> known;
  std::map<Place, Estimate> estimates; ///< of the last rung that each was on
  std::vector<Place> alive;            ///< sorted
  double clock = 0;     ///< seconds that the session had spent at this point
  double perSample = 0; ///< seconds, of the last step
  SearchReport report;
};
} // namespace

rt::Result<SearchReport>
tune::search(const SearchSubject &subject, const std::string &defaultPick,
             std::span<const Candidate> candidates, Measurer &measurer,
             Journal &journal, const SearchOptions &options,
             const std::function<void(const CurvePoint &)> &progress) {
  return Search(subject, defaultPick, candidates, measurer, journal, options,
                progress)
      .run();
}
