// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls that are yet to come, on this host or another, and the kernels that
// they will ask for: what warm, pull and pin are about. A key is that of bench
// and the API at the same call, since both come from api::requestOf().
//
// Which schedule serves depends on the device where records were measured, so
// for a target that is named there are several answers: that of a device that
// nobody measured, and one for each device and driver that records tell of.
#ifndef ATTN_JIT_TOOLS_CACHE_CALLLIST_H
#define ATTN_JIT_TOOLS_CACHE_CALLLIST_H

#include "runtime/store/Key.h"
#include "tools/api/KernelRequest.h"
#include "tools/bench/Case.h"
#include "tools/cli/Arguments.h"

namespace attn_jit::cache {

/// Empty: not given.
struct CallText {
  bench::BenchText bench; ///< attention, device, target, schedule
  std::string from;       ///< a file of rows (CallFile.cpp)
  std::string pinFile, environmentFile, hostLevel;
  bool records = false;
  bool anyCall = false; ///< kernels for calls of which nothing is known
  /// Whose attention flags they are.
  const CLI::App *command = nullptr;

  /// Was a flag of the attention given, --deterministic apart?
  bool describes() const;
};

/// The attention, --from, --records, and where it runs.
void addCallFlags(CLI::App &command, CallText &text);
/// Those of where it runs alone.
void addPlaceFlags(CLI::App &command, CallText &text);
/// --pin, --schedule, --cpu-level and --any-call, of who wants kernels.
void addKernelFlags(CLI::App &command, CallText &text);

struct ListedCall {
  std::string name; ///< for messages
  api::Description description;
  api::KernelOptions options;
};

/// By which its records are kept: of its own sizes, or at an end of its bucket.
tune::Problem problemOf(const ListedCall &call, tune::At at);

/// What was measured, as it is here: a command that looks ahead asks no remote.
api::RecordSources recordsHere();

/// All that the flags list, of `target`; without any, the attention that bench
/// has without flags.
rt::Result<std::vector<ListedCall>> listCalls(const CallText &text,
                                              const std::string &target,
                                              const api::RecordSources &known);
/// The attention of the flags, and of the rows of a file.
rt::Result<std::vector<ListedCall>> callsOfFlags(const bench::BenchText &text);
rt::Result<std::vector<ListedCall>> callsOfFile(const CallText &text);
/// What own records of the target were measured for.
rt::Result<std::vector<ListedCall>>
callsOfRecords(const std::string &target, const api::RecordSources &known);
/// What a pin names schedules for; each call has its schedule.
rt::Result<std::vector<ListedCall>> callsOfPin(const std::string &file);

/// Where the calls run.
struct Place {
  std::string target;
  /// Of the device; none where none is here and no file tells.
  std::optional<tune::PinEnvironment> environment;
  bool told = false; ///< the environment, by --environment or --pin
  std::string why;   ///< there is none, a sentence
};
rt::Result<Place> placeOf(const CallText &text);

/// Of `environment`, or of a device of which nothing is known.
std::unique_ptr<api::ScheduleChoice>
choiceIn(const std::optional<tune::PinEnvironment> &environment,
         const api::RecordSources &known);

struct WantedKernel {
  std::string name; ///< of the first call that wants it
  api::Description description;
  api::KernelRequest request;
  store::Key key;
};
rt::Result<WantedKernel> wantedKernel(api::ScheduleChoice &choice,
                                      const ListedCall &call,
                                      const std::string &target,
                                      const CallText &text);
/// Each once, in the order of the calls.
rt::Result<std::vector<WantedKernel>>
wantedKernels(const CallText &text, const Place &place,
              const std::vector<ListedCall> &calls,
              const api::RecordSources &known);

} // namespace attn_jit::cache

#endif // ATTN_JIT_TOOLS_CACHE_CALLLIST_H
