// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Successive halving over a ranked list. The first rung goes down the list, a
// few samples each, and ranks the rest anew by what it has seen (Ranker.h);
// each further rung doubles the samples of what may still be the best. Within a
// rung samples are taken round by round, in an order drawn anew each round from
// a fixed seed, so that no schedule has the cool chip for itself. The finalists
// are measured again in a pass of their own beside the default, and one wins
// only if it is faster there beyond noise: the best of many medians is too good
// to be true.
//
// Invariants: given the same times the same is measured, in the same order, and
// the same wins. Whatever was measured is in the journal before the next is; a
// search that was killed continues from there, with the same result. What has
// failed under this compiler and driver is not run again. Nothing wins whose
// output was not checked.
#ifndef ATTN_JIT_AUTOTUNE_SEARCH_H
#define ATTN_JIT_AUTOTUNE_SEARCH_H

#include "autotune/Estimate.h"
#include "runtime/store/records/RecordStore.h"

namespace attn_jit::tune {

struct Candidate {
  std::string schedule;   ///< complete text
  double predictedUs = 0; ///< by a model; 0: not known
};

/// One sample of the candidate with this place in the list given.
using Visit = size_t;

struct Measured {
  store::Outcome outcome = store::Outcome::Ok;
  std::vector<double> samplesUs; ///< where Ok: one a visit, in their order
  double error = 0;              ///< |out - ref| / |ref|
  double clockMHz = 0;           ///< 0: not known
  std::string note;              ///< a failure's first line
  /// Of the device, whatever the budgets' clock: until it was loaded and
  /// checked, and of all its samples.
  double loadSeconds = 0, timingSeconds = 0;
};

/// Compiles, checks and times. One thread calls it at a time.
class Measurer {
public:
  virtual ~Measurer() = default;

  /// These will be asked for soon: host threads may compile them meanwhile.
  virtual void prepare(std::span<const std::string> schedules) {}
  /// What was prepared and is not begun need not be made any more.
  virtual void forget() {}
  /// Can it run at once, without waiting for a compiler?
  virtual bool ready(const std::string &schedule) { return true; }
  /// All that may be asked for behind these, in the order that is expected now.
  virtual void expect(std::span<const std::string> schedules) {}
  /// A result for each schedule. `running` is called before a schedule first
  /// runs in this call, and what it says stops the call. An error is the
  /// device's or the host's, no schedule's: a lost device above all.
  virtual rt::Result<std::vector<Measured>>
  measure(std::span<const std::string> schedules, std::span<const Visit> visits,
          const std::function<rt::Status(size_t)> &running) = 0;
  /// Spent until now, by the clock that budgets are of.
  virtual double seconds() const = 0;
  /// What a sample took in the last call, by that clock; compiling, loading and
  /// checking left out.
  virtual double sampleSeconds() const = 0;
};

/// By a search's clock.
struct StepTimes {
  double spentSeconds = 0;  ///< of the session, until the step's end
  double sampleSeconds = 0; ///< of one sample in it
};

/// What survives a kill.
class Journal {
public:
  virtual ~Journal() = default;

  /// All of this problem, whoever measured them.
  virtual const std::vector<store::StoredRecord> &records() const = 0;
  /// The session to continue, or a new one; seconds that it has spent, and the
  /// times of each step. What was decided by the clock is decided again by
  /// these.
  virtual std::string session() const = 0;
  virtual double spentSeconds() const = 0;
  virtual std::optional<StepTimes> timesOf(uint64_t step) const = 0;
  /// Schedules that ran when an earlier process of this problem, compiler and
  /// driver ended, each as often as it happened.
  virtual std::vector<std::string> interrupted() const = 0;

  /// On disk when it returns.
  virtual rt::Status running(const std::string &schedule) = 0;
  virtual rt::Status add(std::span<const store::Record> records, uint64_t step,
                         const StepTimes &times) = 0;
  /// The session is at its end.
  virtual rt::Status finish() = 0;
};

struct SearchOptions {
  double budgetSeconds = 60; ///< of the measurer's clock
  uint64_t seed = 1;
  int firstSamples = 3, finalSamples = 32;
  /// Measured beside each other on the first rung; each chunk is twice the one
  /// before, up to the most.
  size_t chunk = 16, mostChunk = 16;
  size_t finalists = 4;    ///< beside the default
  double firstShare = 0.6; ///< of the budget, for the first rung
  double margin = 0.05;    ///< what is within it of the best goes on
  int retries = 3;         ///< of what was no measurement (Throttled)
  std::string at;          ///< of the records, UTC; empty: now
  double share = 1;        ///< of the device, that it measured with
};

/// The state after a chunk or a rung.
struct CurvePoint {
  double seconds = 0;
  size_t measured = 0; ///< candidates until then
  std::string best;
  double bestUs = 0;
};

enum class Stop {
  Separated, ///< intervals tell the best from all others
  Resolved,  ///< what is left was measured as often as a final pass measures
  Budget,
};
std::string_view name(Stop stop); ///< "separated", "resolved", "budget"

/// "2026-11-28T03:41:19Z".
std::string utcNow();

struct SearchReport {
  std::string winner;               ///< the default where nothing beats it
  Estimate winnerTime, defaultTime; ///< of the final pass
  bool defaultRan = true;           ///< false: there is nothing to compare with
  size_t candidates = 0, measured = 0, failed = 0;
  size_t reused = 0; ///< measurements that the journal had
  double seconds = 0;
  Stop stop = Stop::Budget;
  std::string session;
  std::vector<CurvePoint> curve;

  /// The winner's time over the default's.
  double ratio() const {
    return defaultRan ? winnerTime.medianUs / defaultTime.medianUs : 1;
  }
};

/// What all records of a search have in common.
struct SearchSubject {
  store::Key problem, device;
  std::string compiler, driver;
};

/// `candidates` ranked, the best first; `defaultPick` is measured first,
/// whether it is among them or not. `progress` may be empty.
rt::Result<SearchReport>
search(const SearchSubject &subject, const std::string &defaultPick,
       std::span<const Candidate> candidates, Measurer &measurer,
       Journal &journal, const SearchOptions &options,
       const std::function<void(const CurvePoint &)> &progress = {});

} // namespace attn_jit::tune

#endif
