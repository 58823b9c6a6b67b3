// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/cache/CallList.h"
#include "runtime/Printable.h"
#include "tools/api/KernelStore.h"
#include "tools/bench/Run.h"

#include <set>

using namespace attn_jit;
using namespace attn_jit::cache;

bool CallText::describes() const {
  for (const CLI::Option *option : command->get_options())
    if (option->get_group() == "Attention" && option->count() > 0 &&
        !option->check_lname("deterministic"))
      return true;
  return false;
}

static auto adder(CLI::App &command, const char *group) {
  return
      [&command, group](const char *name, std::string &to, const char *help) {
        command.add_option(name, to, help)->group(group)->type_name("");
      };
}

void cache::addPlaceFlags(CLI::App &command, CallText &text) {
  auto add = adder(command, "Where");
  add("--target", text.bench.target, "T  chip, here or not (that of --device)");
  add("--device", text.bench.device,
      "D  auto, cuda:0, hip:0, cpu (auto: the first GPU, else the CPU)");
  add("--environment", text.environmentFile,
      "FILE  a pin of another host: choose as on its device");
}

void cache::addKernelFlags(CLI::App &command, CallText &text) {
  auto add = adder(command, "Kernel");
  add("--schedule", text.bench.schedule,
      "S  name.v1 or name.v1<field=value,...>; see attn-jit schedules");
  add("--cpu-level", text.hostLevel,
      "L  cpu target: x86-64-v3, x86-64-v4 (this machine's)");
  add("--pin", text.pinFile,
      "FILE  of cache pin or tune --pin: its schedules, and by them the calls");
  command
      .add_flag("--any-call", text.anyCall,
                "the kernel for calls of which nothing is known, as the API "
                "makes it without them")
      ->group("Kernel");
}

void cache::addCallFlags(CLI::App &command, CallText &text) {
  text.command = &command;
  cli::addDescriptionFlags(command, text.bench.description, /*forBench=*/true);
  auto add = adder(command, "More calls");
  add("--from", text.from,
      "FILE  of rows as bench --json writes them: of it, a list, or one a "
      "line");
  command
      .add_flag("--records", text.records,
                "what own records of the target were measured for")
      ->group("More calls");
  addPlaceFlags(command, text);
}

static std::string nameOf(const bench::Case &one) {
  const rt::AttentionShape &s = one.shape;
  return "b" + std::to_string(s.batch) + " hq" + std::to_string(s.queryHeads) +
         " hk" + std::to_string(s.kvHeads) + " sq" +
         std::to_string(s.queryLen) + " sk" + std::to_string(s.kvLen) + " d" +
         std::to_string(s.headDim) + " dv" + std::to_string(s.valueDim) + " " +
         std::string(api::name(one.description.element)) +
         (one.description.causal ? " causal" : "");
}

tune::Problem cache::problemOf(const ListedCall &call, tune::At at) {
  const api::TypicalCall &given = call.options.typical;
  const tune::Call sizes = {given.batch, given.queryHeads, given.kvHeads,
                            given.queryLen, given.kvLen};
  tune::Problem problem;
  problem.description = api::labelledText(call.description);
  problem.alignment = call.options.alignment;
  problem.deterministic = given.batchInvariant;
  problem.sizes = at == tune::At::Exact
                      ? tune::exactSizes(sizes, problem.deterministic)
                      : tune::bucketOf(sizes, at, problem.deterministic);
  return problem;
}

rt::Result<std::vector<ListedCall>>
cache::callsOfFlags(const bench::BenchText &text) {
  ATTN_TRY(const bench::Options options, bench::checkOptions(text));
  ATTN_TRY(const std::vector<bench::Case> cases, bench::listCases(options));
  std::vector<ListedCall> calls;
  calls.reserve(cases.size());
  for (const bench::Case &one : cases)
    calls.push_back({nameOf(one), one.description, one.kernelOptions(options)});
  return calls;
}

rt::Result<std::vector<ListedCall>>
cache::listCalls(const CallText &text, const std::string &target,
                 const api::RecordSources &known) {
  std::vector<ListedCall> calls;
  auto add = [&](std::vector<ListedCall> more) {
    std::ranges::move(more, std::back_inserter(calls));
  };
  const bool alone = text.from.empty() && text.pinFile.empty() && !text.records;
  if (alone || text.describes()) {
    ATTN_TRY(auto more, callsOfFlags(text.bench));
    add(std::move(more));
  }
  if (!text.from.empty()) {
    ATTN_TRY(auto more, callsOfFile(text));
    add(std::move(more));
  }
  if (!text.pinFile.empty()) {
    ATTN_TRY(auto more, callsOfPin(text.pinFile));
    add(std::move(more));
  }
  if (text.records) {
    ATTN_TRY(auto more, callsOfRecords(target, known));
    add(std::move(more));
  }
  return calls;
}

/// Of a file's pin; this compiler must have made it, since another one has
/// other schedules and makes other kernels.
static rt::Result<tune::PinEnvironment> told(const char *flag,
                                             const std::string &file) {
  ATTN_TRY(const tune::Pin pin, tune::Pin::load(file));
  const std::string &own = api::compilerIdentity();
  if (pin.environment().compiler != own || own.empty())
    return rt::badInput(
        std::string(flag) + ": " + rt::inQuotes(file) +
        " given, made by compiler " + rt::inQuotes(pin.environment().compiler) +
        ", allowed: one of this compiler, " + rt::inQuotes(own));
  return pin.environment();
}

static std::string targetOf(const tune::PinEnvironment &environment) {
  const std::string *target = environment.device.find("target");
  return target ? *target : std::string();
}

rt::Result<Place> cache::placeOf(const CallText &text) {
  ATTN_TRY(const bench::Options options, bench::checkOptions(text.bench));
  Place place;
  const bool hasDevice = !options.device.empty();
  if (hasDevice && !text.environmentFile.empty())
    return rt::badInput("environment: " + rt::inQuotes(text.environmentFile) +
                        " given beside device, allowed: one of them");
  // Beside a device, it is that a pin must hold on.
  const bool byPin = text.environmentFile.empty();
  const std::string &file = byPin ? text.pinFile : text.environmentFile;
  place.told = !file.empty();
  if (place.told && !hasDevice) {
    const char *flag = byPin ? "pin" : "environment";
    ATTN_TRY(place.environment, told(flag, file));
    place.target = targetOf(*place.environment);
    ATTN_CHECK(api::checkTarget(place.target));
    if (!options.target.empty() && options.target != place.target)
      return rt::badInput(std::string(flag) + ": " + rt::inQuotes(file) +
                          " given, of a device of target " + place.target +
                          ", allowed: no other target beside it");
    return place;
  }
  bench::Report report;
  ATTN_CHECK(bench::chooseDevice(options, report));
  place.target = report.target;
  place.why = report.why;
  if (report.device)
    place.environment =
        api::ScheduleChoice::environmentOf(report.device->info());
  return place;
}

std::unique_ptr<api::ScheduleChoice>
cache::choiceIn(const std::optional<tune::PinEnvironment> &environment,
                const api::RecordSources &known) {
  return std::make_unique<api::ScheduleChoice>(
      environment.value_or(tune::PinEnvironment()),
      environment ? targetOf(*environment) : std::string(),
      [known] { return known; });
}

rt::Result<WantedKernel> cache::wantedKernel(api::ScheduleChoice &choice,
                                             const ListedCall &call,
                                             const std::string &target,
                                             const CallText &text) {
  WantedKernel kernel;
  kernel.name = call.name;
  kernel.description = call.description;
  api::KernelOptions options = call.options;
  if (text.anyCall)
    options.typical = {};
  kernel.request = api::requestOf(choice, call.description, options, target);
  // Whatever this process's environment dumps or overrides is in no store.
  kernel.request.wanted.dumpFolder.clear();
  kernel.request.wanted.overrideFolder.clear();
  kernel.request.wanted.hostLevel = text.hostLevel;
  ATTN_TRY(std::optional<store::Key> key,
           api::storeKey(call.description, kernel.request.wanted));
  if (!key)
    return rt::unsupported("key: none: this build's compiler has no identity, "
                           "so that what it makes is kept for no other "
                           "process");
  kernel.key = std::move(*key);
  return kernel;
}

/// Whose records tell of the target: failures count by driver.
static rt::Result<std::vector<tune::PinEnvironment>>
environmentsOf(const std::string &target, const api::RecordSources &known) {
  std::map<store::Digest, tune::PinEnvironment> found;
  auto add = [&](const store::Record &record, const std::string &driver) {
    const std::string *own = record.device.find("target");
    if (!own || *own != target)
      return;
    tune::PinEnvironment one{api::compilerIdentity(), driver, record.device};
    found.try_emplace(one.digest(), one);
  };
  if (known.bundled)
    known.bundled->each(target,
                        [&](const store::Record &record) { add(record, {}); });
  if (known.own)
    ATTN_CHECK(known.own->each([&](const store::StoredRecord &each) {
      if (each.voice == store::Voice::Own)
        add(each.record, each.record.driver);
    }));
  std::vector<tune::PinEnvironment> all;
  all.reserve(found.size());
  for (auto &[digest, environment] : found)
    all.push_back(std::move(environment));
  return all;
}

rt::Result<std::vector<WantedKernel>>
cache::wantedKernels(const CallText &text, const Place &place,
                     const std::vector<ListedCall> &calls,
                     const api::RecordSources &known) {
  std::vector<std::unique_ptr<api::ScheduleChoice>> choices;
  choices.push_back(choiceIn(place.environment, known));
  if (!text.pinFile.empty())
    ATTN_CHECK(choices.front()->pin(text.pinFile));
  // A device that is here, or told, is the one; a target alone is many.
  if (!place.told && !text.bench.target.empty()) {
    if (place.environment)
      choices.push_back(choiceIn(std::nullopt, known));
    ATTN_TRY(const auto others, environmentsOf(place.target, known));
    for (const tune::PinEnvironment &each : others)
      choices.push_back(choiceIn(each, known));
  }
  std::set<store::Digest> seen;
  std::vector<WantedKernel> kernels;
  for (const ListedCall &call : calls)
    for (const auto &choice : choices) {
      ATTN_TRY(WantedKernel one,
               wantedKernel(*choice, call, place.target, text));
      if (seen.insert(one.key.digest()).second)
        kernels.push_back(std::move(one));
    }
  return kernels;
}
