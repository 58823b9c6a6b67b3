// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A worker's part of a shared search's measurements. A call of measure() is the
// next step of the search: this worker leases some of its schedules, measures
// them by the measurer that it wraps, and gives what the server keeps of all.
// Invariant: what it returns is a function of that, never of this worker.
#ifndef ATTN_JIT_AUTOTUNE_JOINMEASURER_H
#define ATTN_JIT_AUTOTUNE_JOINMEASURER_H

#include "autotune/JoinImages.h"
#include "autotune/JoinServer.h"
#include "autotune/JoinText.h"

#include <map>

namespace attn_jit::tune {

/// What all workers of a search know, and one worker's way to the server.
struct Shared {
  JoinServer server, renewals;
  JoinSeal seal;
  Job job;
  std::string worker;
  double leaseSeconds = 0;
  JoinImages *images = nullptr; ///< null: nobody compiles for this worker
  Work work;                    ///< but for the schedules
};

class SharedMeasurer : public Measurer {
public:
  /// `known`: schedules that have failed here before, and how. A step of at
  /// most `together` schedules is one worker's: what is compared in the end is
  /// measured on one device. What is referred to outlives it.
  SharedMeasurer(Measurer &own, Shared &shared,
                 std::map<std::string, Measured> known, size_t together)
      : own(own), shared(shared), known(std::move(known)), together(together) {}

  void prepare(std::span<const std::string> schedules) override {
    next.assign(schedules.begin(), schedules.end());
    later.clear();
  }
  void expect(std::span<const std::string> schedules) override {
    later.assign(schedules.begin(), schedules.end());
  }
  rt::Result<std::vector<Measured>>
  measure(std::span<const std::string> schedules, std::span<const Visit> visits,
          const std::function<rt::Status(size_t)> &running) override;
  /// The devices', summed over all workers and steps until now.
  double seconds() const override { return clock; }
  double sampleSeconds() const override { return perSample; }

private:
  /// What measure() was asked.
  struct Step {
    uint64_t number;
    std::span<const std::string> schedules;
    std::span<const Visit> visits;
  };
  bool owns(const std::string &schedule);
  bool runsAtOnce(const std::string &schedule);
  JoinServer::Wanted wantedOf(std::span<const std::string> schedules);
  void workAhead(std::span<const std::string> schedules,
                 std::span<const std::string> open);
  void publish(std::span<const std::string> schedules);
  rt::Result<std::vector<JoinServer::Result>>
  measureHere(const Step &step, const std::vector<size_t> &items,
              const std::function<rt::Status(size_t)> &running);
  rt::Result<std::vector<Measured>> read(const Step &step,
                                         const std::vector<std::string> &texts);

  Measurer &own;
  Shared &shared;
  const std::map<std::string, Measured> known;
  const size_t together;
  std::map<std::string, size_t> numbers; ///< the same for all workers
  std::vector<std::string> next;         ///< of the next step
  std::vector<std::string> later;        ///< behind these
  uint64_t steps = 0;
  size_t workers = 1, place = 0; ///< as the server said last
  double clock = 0, perSample = 0;
};

} // namespace attn_jit::tune

#endif
