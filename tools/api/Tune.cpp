// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a description to its ranked space. The model and the verifiers see the
// compiler's types, so this is on its side of the API.
#include "tools/api/Tune.h"
#include "autotune/Model.h"
#include "autotune/SearchSpace.h"
#include "tools/api/ScheduleRules.h"
#include "tools/api/Shape.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include <random>

using namespace attn_jit;

static rt::Error faultOf(llvm::Error error) {
  return rt::badInput(llvm::toString(std::move(error)));
}

/// `count` of the legal schedules that are not in `ranked`, each as likely as
/// any other (reservoir sampling, Vitter's R), with their times, in order.
static void addSample(std::vector<RankedSchedule> &ranked,
                      const ProblemShape &problem, const TargetInfo &target,
                      const SpaceOptions &space, size_t count,
                      llvm::function_ref<double(const Schedule &)> time) {
  llvm::StringSet<> known;
  for (const RankedSchedule &each : ranked)
    known.insert(each.schedule.str());
  std::mt19937_64 random(1);
  std::vector<Schedule> drawn;
  size_t seen = 0;
  // More than are wanted, as some of them are known.
  const size_t room = count + ranked.size();
  for (const ScheduleFamily *family : allScheduleFamilies())
    visitLegal(*family, problem, target, space, [&](const Schedule &schedule) {
      const size_t place = random() % ++seen;
      if (drawn.size() < room)
        drawn.push_back(schedule);
      else if (place < room)
        drawn[place] = schedule;
    });
  std::shuffle(drawn.begin(), drawn.end(), random);
  for (const Schedule &each : drawn) {
    if (count == 0)
      break;
    if (!known.insert(each.str()).second)
      continue;
    ranked.push_back({each, time(each)});
    --count;
  }
  llvm::sort(ranked, [](const RankedSchedule &a, const RankedSchedule &b) {
    return a.us != b.us ? a.us < b.us : a.schedule.str() < b.schedule.str();
  });
}

rt::Result<api::TuneSpace>
api::tuneSpace(const Description &description, const std::string &target,
               int64_t alignment, const TuneCall &call,
               const rt::DeviceInfo &device, size_t most, size_t sample,
               const std::vector<std::string> &heard) {
  ATTN_CHECK(checkTarget(target));
  const TargetInfo *chip = lookupTarget(target);
  CompileOptions options;
  options.target = target;
  options.alignment = alignment;
  setClass(options, description,
           {call.batch, call.queryHeads, call.queryLen, call.kvLen,
            call.deterministic});
  const ProblemShape problem = shapeOf(description, options);
  const TargetInfo &units = chip->unitsFor(problem.elementBytes);

  const Schedule standard = Schedule::choose(problem, units);
  if (llvm::Error error = standard.verify(problem, units))
    return faultOf(std::move(error));
  CallSizes sizes;
  sizes.batch = call.batch;
  sizes.qHeads = call.queryHeads, sizes.kvHeads = call.kvHeads;
  sizes.qLen = call.queryLen, sizes.kvLen = call.kvLen;
  sizes.causal = description.causal;
  TimeModel model(problem, sizes, units, DeviceNumbers::of(device));
  // Heads that share a tile are those of one key head.
  std::vector<int64_t> packs;
  const int64_t group = call.queryHeads / std::max<int64_t>(call.kvHeads, 1);
  for (int64_t heads = 1; heads <= group; ++heads)
    if (group % heads == 0)
      packs.push_back(heads);
  SpaceOptions space;
  space.fixed = {{"pack_gqa", packs}};
  SpaceFigures figures;
  auto time = [&](const Schedule &schedule) {
    return model.microseconds(schedule);
  };
  std::vector<RankedSchedule> ranked =
      rankLegal(problem, units, space, most, time, &figures);
  if (sample > 0)
    addSample(ranked, problem, units, space, sample, time);
  TuneSpace made;
  made.defaultSchedule = standard.str();
  for (const RankedSchedule &each : ranked)
    made.ranked.push_back({each.schedule.str(), each.us});
  for (const std::string &text : heard)
    if (isLegalSchedule(description, options, text))
      made.heard.push_back(
          {text, time(llvm::cantFail(Schedule::parseComplete(text)))});
  made.legal = figures.legal;
  made.products = figures.products;
  return made;
}
