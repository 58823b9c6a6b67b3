// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit cache pin: the schedules that serve calls now, frozen for all ranks
// of a job (autotune/Pin.h). Measures and compiles nothing.
#include "runtime/File.h"
#include "runtime/Printable.h"
#include "tools/api/ScheduleRules.h"
#include "tools/cache/CallList.h"
#include "tools/cache/Shared.h"

#include <cstdio>

using namespace attn_jit;
using namespace attn_jit::cache;

/// A pin is of one device, so that must be known.
static rt::Result<tune::PinEnvironment> environmentFor(const Place &place) {
  const std::string allowed =
      "; allowed: a device that is here, or --environment FILE, a pin that was "
      "made where the job runs";
  if (!place.environment)
    return rt::badInput("device: none given that is known: " + place.why +
                        allowed);
  const std::string *target = place.environment->device.find("target");
  if (!target || *target != place.target)
    return rt::badInput(
        "device: one of target " + rt::inQuotes(target ? *target : "") +
        " given, for calls of target " + place.target + allowed);
  return *place.environment;
}

static rt::Status freeze(const CallText &text, const std::string &file) {
  if (file.empty())
    return rt::badInput("o: nothing given, allowed: a file for the pin");
  ATTN_TRY(const Place place, placeOf(text));
  ATTN_TRY(const tune::PinEnvironment environment, environmentFor(place));
  const api::RecordSources known = recordsHere();
  ATTN_TRY(tune::Pin pin, tune::Pin::loadOrNew(file, environment));
  ATTN_TRY(const std::vector<ListedCall> calls,
           listCalls(text, place.target, known));
  const auto choice = choiceIn(environment, known);
  std::map<std::string_view, int64_t> sources;
  for (const ListedCall &call : calls) {
    api::KernelRequest request =
        api::requestOf(*choice, call.description, call.options, place.target);
    std::string &schedule = request.chosen.schedule;
    if (schedule.empty())
      schedule = api::defaultSchedule(call.description, request.wanted);
    if (!api::isLegalSchedule(call.description, request.wanted, schedule))
      return rt::badInput(call.name + ": given, for which " + place.target +
                          " has no schedule: " + schedule +
                          " does not hold it; see attn-jit compile");
    pin.set(tune::problemKey(problemOf(call, tune::At::Exact)), schedule);
    ++sources[tune::name(request.chosen.source)];
  }
  ATTN_CHECK(rt::writeFile(file, pin.text()));
  std::string chosen;
  for (const auto &[source, count] : sources)
    chosen += (chosen.empty() ? "" : ", ") + std::to_string(count) + " by " +
              std::string(source);
  std::printf("%s frozen: %s; %s in %s\nenvironment: %s\n",
              countText(int64_t(calls.size()), "call").c_str(), chosen.c_str(),
              countText(int64_t(pin.size()), "choice").c_str(), file.c_str(),
              environment.digest().hex().c_str());
  return rt::success();
}

void cache::addPin(CLI::App &cache, int &status) {
  CLI::App *command = cache.add_subcommand(
      "pin", "Freeze the schedules that serve calls, for all ranks of a job");
  auto text = std::make_shared<CallText>();
  auto file = std::make_shared<std::string>();
  addCallFlags(*command, *text);
  command->add_option("-o,--output", *file, "FILE  new, or one to add to")
      ->type_name("");
  command->footer(
      "bench --pin FILE and EngineOptions::pinFile obey it, on a device of the "
      "same environment alone: compiler, driver, device.\n"
      "  attn-jit cache pin -b 4 -hq 16 -sq 4096 -d 128 -causal -o job.pin");
  command->callback([text, file, &status] {
    auto result = freeze(*text, *file);
    status = result ? 0 : cli::report(result.error());
  });
}
