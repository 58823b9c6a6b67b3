// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tuning beside a program's own work: a thread that starts `attn-jit tune` for
// calls that no measurement of this owner serves, one child at a time in a
// process and one a problem on a host.
//
// A bucket's first call is tuned for its very sizes, as programs that repeat a
// call gain most by that. With the second one, both ends of the bucket are
// tuned instead, once, for all calls between them: a decoder has a length a
// token.
//
// Children are niced, in a session of their own, and end with the process or
// with this object. A child of fork starts none for it and reaps none.
#ifndef ATTN_JIT_TOOLS_API_BACKGROUNDTUNING_H
#define ATTN_JIT_TOOLS_API_BACKGROUNDTUNING_H

#include "runtime/store/local/CacheRoot.h"
#include "tools/api/TuneCommand.h"
#include "tools/api/TuningMode.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace attn_jit::api {

class BackgroundTuning {
public:
  /// Tuned in the life of a process, at most.
  static constexpr size_t mostProblems = 64;

  /// Where this owner's store is, the library's program, the device.
  struct Place {
    store::CacheRoot root;
    std::string program;
    rt::Device device;
  };
  /// In a child of fork the object stays: its thread is not there, and waits
  /// for ever on what would be destroyed.
  struct Ending {
    void operator()(BackgroundTuning *tuning) const;
  };
  /// Null, and said once, where there is no program or no store to write to.
  static std::unique_ptr<BackgroundTuning, Ending>
  start(const rt::Device &device, const TuningMode &mode,
        std::function<bool(const TunedCall &)> serve);

  /// `serve` looks at the records anew; true if own measurements are there for
  /// the call, which they serve then. Run by this object's thread, before a
  /// child and after it.
  BackgroundTuning(Place place, const TuningMode &mode,
                   std::function<bool(const TunedCall &)> serve);
  /// Ends the child, waits for `serve`.
  ~BackgroundTuning();

  /// Has it tuned, if nothing speaks against it. Microseconds; any thread.
  void want(const Description &description, const CompileOptions &wanted,
            const TypicalCall &call);
  /// True once the object is to end: long work of `serve` asks.
  bool ending() const { return stopped; }

private:
  struct Job {
    TunedCall what;
    std::string bucket; ///< by which processes take turns
    std::chrono::steady_clock::time_point notBefore;
  };
  struct Bucket {
    TypicalCall first;
    bool whole = false; ///< is to be tuned as one
  };

  void work();
  bool tune(Job &job);
  void run(const std::vector<std::string> &flags);
  bool roomFor(const TunedCall &what) const;
  bool pause(std::chrono::milliseconds time);

  const Place place;
  const TuningMode mode;
  const std::function<bool(const TunedCall &)> serve;
  const int owner; ///< process
  std::vector<std::string> environment;
  std::mutex mutex; ///< of all below
  std::condition_variable changed;
  std::map<std::string, Bucket> buckets;
  std::deque<Job> jobs;
  std::string current;                 ///< the bucket of the job at hand
  std::atomic<bool> superseded{false}; ///< it is to be tuned as a whole instead
  std::atomic<bool> stopped{false};
  std::thread thread;
};

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_BACKGROUNDTUNING_H
