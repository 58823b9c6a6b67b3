// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which schedule serves a call on one device, by what is known when it is first
// asked: a flag, a pin, records of this owner's store and of the program's own
// folder, the default (autotune/Choice.h says in which order).
//
// Records serve calls of which all sizes are known. They are read at the first
// use of a description and bucket and remembered; a new length of a known
// bucket, which nobody has measured, costs no query. Without a store, without
// remotes and without records of the target nothing is read at all.
//
// At that first use remotes are asked for the problem, and nobody waits: what
// is known serves. So a process has one answer for a call until records of its
// problem have come from a remote, until the key file has changed (it is looked
// at once a second), or until refresh(); then later calls may have another, and
// whoever holds a kernel keeps it.
#ifndef ATTN_JIT_TOOLS_API_SCHEDULECHOICE_H
#define ATTN_JIT_TOOLS_API_SCHEDULECHOICE_H

#include "autotune/Choice.h"
#include "autotune/Pin.h"
#include "autotune/Problem.h"
#include "runtime/store/files/Fork.h"
#include "runtime/store/trust/KeyFileWatch.h"
#include "tools/api/Compile.h"
#include "tools/api/RecordSources.h"

#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <unordered_map>

namespace attn_jit::api {

struct ScheduleChosen {
  std::string schedule; ///< empty: the default of the call's class
  tune::Source source = tune::Source::Default;
  std::string why = "nothing was measured"; ///< one sentence
  /// By this owner: another tuning would say nothing new (autotune/Choice.h).
  bool measured = false;
  /// Worked out for the first time since the records were read.
  bool fresh = false;
};

/// Of one device; any number of threads.
class ScheduleChoice {
public:
  /// `find` is called at the first call that records may serve, and at the
  /// first after each refresh(). With `always` answers are told to be fresh
  /// also where there are no records.
  ScheduleChoice(const rt::DeviceInfo &device,
                 std::function<RecordSources()> find, bool always = false);

  /// Of calls on another host, whose devices are of the target.
  ScheduleChoice(tune::PinEnvironment environment, std::string target,
                 std::function<RecordSources()> find, bool always = false);

  /// From now on the file's choices serve, and where it has none the default.
  /// Refused, in one sentence, if it was made for another environment.
  rt::Status pin(const std::string &file);
  /// Never an error: a record that cannot serve is passed over. `wanted` has
  /// target, schedule, alignment and class.
  ScheduleChosen choose(const Description &description,
                        const CompileOptions &wanted, const TypicalCall &call);
  /// The schedule that choose() gave does not become a kernel here, though the
  /// default does, which serves this call from now on; this process does not
  /// try it again. A verdict, of the compiler or an assembler on the code,
  /// is kept as a failure under both, where there is a store: records travel.
  void failed(const Description &description, const CompileOptions &wanted,
              const TypicalCall &call, const std::string &schedule,
              const std::string &note, bool verdict);
  /// Later calls are answered by the records that are there then. Who holds a
  /// kernel keeps it; a pin stays.
  void refresh();
  /// Asked of the own store until now, for tests and figures.
  int64_t queries() const { return asked; }

  /// What a pin of this process holds in.
  static tune::PinEnvironment environmentOf(const rt::DeviceInfo &device);

private:
  using SizesKey = std::array<int64_t, 4>; ///< q_len, kv_len, heads, group
  using Records = std::vector<store::StoredRecord>;
  struct Bucket {
    Records least, most;
    TypicalCall largest; ///< that the model reckons with
    std::vector<std::pair<CallClass, ScheduleChosen>> choices;
    size_t lengthsAsked = 0; ///< of single calls, from remotes
  };
  /// Of one description, target, alignment and determinism.
  struct Family {
    std::string description;
    std::map<SizesKey, Bucket> buckets;
    std::map<SizesKey, ScheduleChosen> exact; ///< of the last calls
    std::set<std::string> failing; ///< schedules that are no kernel here
  };
  /// A call by its names.
  struct Asked {
    tune::Problem problem; ///< of its very sizes
    tune::Sizes least;     ///< of its bucket's smaller end
    SizesKey exactly;
    Family &family;
  };

  bool mayServe(const CompileOptions &wanted);
  Asked ask(const Description &description, const CompileOptions &wanted,
            const tune::Call &call, bool deterministic);
  ScheduleChosen pinned(const tune::Problem &problem,
                        const tune::Call &call) const;
  ScheduleChosen among(const Description &description,
                       const CompileOptions &wanted, const Family &family,
                       const Records &exact, const Bucket &bucket) const;
  Records recordsOf(const std::string &target, const tune::Problem &problem);
  Records ownOf(const store::Digest &problem);
  void askFor(const tune::Problem &problem, Family &family,
              const SizesKey &bucket);
  void takeIn();

  const tune::PinEnvironment environment;
  const std::string deviceTarget;
  const rt::DeviceInfo device; ///< what its key tells: elsewhere as here
  const std::function<RecordSources()> find;
  const bool always;
  store::ForkMutex mutex; ///< of all below
  bool found = false;
  RecordSources sources;
  std::set<store::Digest> known; ///< problems of the own store
  std::optional<tune::Pin> frozen;
  std::unordered_map<std::string, Family> families;
  /// What depends on a problem of which something may come.
  std::map<store::Digest, std::pair<Family *, SizesKey>> awaited;
  size_t seen = 0;             ///< of what has come
  store::KeyFileWatch keyFile; ///< by which records are whose
  std::atomic<int64_t> asked = 0;
};

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_SCHEDULECHOICE_H
