// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Measuring in a worker process. The worker holds the device, the tensors and
// the reference; it is told which image to load and check, and what to time. It
// may crash or hang: whoever ran then has failed, and another worker goes on
// with the others.
//
// Both sides speak lines of JSON, the worker only when it is asked, but for its
// first line:
//
//   worker: {"ready": device}                   or {"error": why}
//   tuner:  {"load": n, "manifest": path, "check": true}
//   worker: {"ok": n, "error": 1.2e-4}          or {"failed": outcome, "note":
//           why, "error": e}
//   tuner:  {"time": [n, m, n]}
//   worker: {"us": 41.8, "clock_mhz": 1980}     for each in turn; "throttled":
//           true where the device was too hot and slowed down, "power_cap":
//           true where it stayed within its power limit; or "failed" as above
//
// With a share of the device every answer has "used_s": what this worker has
// used of it until then, in seconds. It rests behind its answers.
//
// `outcome` is "launch_failed" or "wrong". A "time" ends at its first failure.
// "ends": true in it says that the worker does not go on.
#ifndef ATTN_JIT_AUTOTUNE_MEASURE_H
#define ATTN_JIT_AUTOTUNE_MEASURE_H

#include "autotune/CompilePool.h"
#include "autotune/Search.h"
#include "autotune/WorkerProcess.h"

#include <set>

namespace attn_jit::tune {

struct WorkerOptions {
  std::vector<std::string> command; ///< [0] is a path
  std::string folder;               ///< for what workers say as errors
  CompileFunction compile;
  ElsewhereFunction elsewhere; ///< may be empty
  unsigned compileThreads = 1;
  /// Until a worker is ready (inputs, reference); of one load and check; of one
  /// sample.
  double startSeconds = 300, loadSeconds = 60, sampleSeconds = 20;
  /// What seconds() counts: all time, or only that of the worker's answers,
  /// which is the device's.
  bool deviceSecondsOnly = false;
  /// Of wall time, that workers may use the device; they are told by `command`.
  double share = 1;
};

class WorkerMeasurer : public Measurer {
public:
  explicit WorkerMeasurer(WorkerOptions options);

  void prepare(std::span<const std::string> schedules) override;
  void forget() override { pool.forget(); }
  bool ready(const std::string &schedule) override {
    return pool.ready(schedule);
  }
  rt::Result<std::vector<Measured>>
  measure(std::span<const std::string> schedules, std::span<const Visit> visits,
          const std::function<rt::Status(size_t)> &running) override;
  double seconds() const override;
  double sampleSeconds() const override { return perSample; }

  /// Workers that were started.
  int workers() const { return started; }
  /// That workers with a share used the device, all of them.
  double usedSeconds() const { return usedBefore + used; }

private:
  using Results = std::vector<Measured>;

  rt::Status ensureWorker();
  WorkerProcess::End dropWorker();
  rt::Status load(std::span<const std::string> schedules, size_t which,
                  Measured &result,
                  const std::function<rt::Status(size_t)> &running);
  rt::Status loadAll(std::span<const std::string> schedules, Results &results,
                     const std::function<rt::Status(size_t)> &running);
  rt::Status time(std::span<const std::string> schedules,
                  std::vector<Visit> &left, Results &results);
  bool answered(const std::string &schedule, double limitSeconds,
                Measured &result, double &seconds, std::string &line);
  size_t numberOf(const std::string &schedule);

  WorkerOptions options;
  CompilePool pool;
  std::optional<WorkerProcess> worker;
  std::map<std::string, size_t> numbers; ///< as workers know schedules
  std::map<std::string, bool> loaded;    ///< by this worker
  std::map<std::string, double> errors;  ///< of what was checked
  std::set<std::string> killed;          ///< somebody ended their worker
  int started = 0;
  double answerSeconds = 0, perSample = 0;
  double used = 0, usedBefore = 0; ///< by this worker, and by those before it
  double owedSeconds = 0;          ///< of rest, for what the last answer told
  const double beginning;
};

} // namespace attn_jit::tune

#endif
