// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// flash_fwd_ws.v1: one producer unit drives the copy engine, one to three
// consumer units multiply. The shape is FlashAttention-3's (Shah et al., 2024);
// the default tiles are those measured in docs/perf.
#include "dialect/attn/schedules/WarpgroupRegisters.h"

using namespace attn_jit;
using llvm::Error;

static constexpr int64_t kBm[] = {64, 128, 192};
static constexpr int64_t kBn[] = {32,  48,  64,  80,  96,  112, 128, 144,
                                  160, 176, 192, 208, 224, 240, 256};
static constexpr int64_t kStages[] = {1, 2, 3, 4};
static constexpr int64_t kSwitch[] = {0, 1};
static constexpr int64_t kProducerRegs[] = {24, 32, 40, 56};
static constexpr int64_t kConsumerRegs[] = {152, 160, 216, 224, 232, 240, 256};
static constexpr int64_t kQStages[] = {1, 2};
/// Of each head a tile of any height then holds whole swizzle atoms of 8 rows.
static constexpr int64_t kHeads[] = {1, 2, 4, 8};
static constexpr int64_t kCluster[] = {1, 2};
static constexpr int64_t kPaired = 2;
static constexpr int64_t kOrders[] = {0, 1, kPaired};
static constexpr int64_t kDynamic = 2;
static constexpr int64_t kGrids[] = {0, 1, kDynamic};
static constexpr int64_t kSections[] = {1, 2, 4, 8, 16, 32};
static constexpr llvm::StringLiteral kGrid[] = {"tiles", "resident", "dynamic"};
static constexpr llvm::StringLiteral kOffOn[] = {"off", "on"};
static constexpr llvm::StringLiteral kPath[] = {"registers", "shared"};
static constexpr llvm::StringLiteral kLoops[] = {"split", "one"};
static constexpr llvm::StringLiteral kRescale[] = {"always", "moved"};
static constexpr llvm::StringLiteral kOrder[] = {"forward", "reverse",
                                                 "paired"};

static constexpr ScheduleField kFields[] = {
    {"bm", "query rows of a workgroup: 64 for each consumer", kBm, {}},
    {"bn", "keys of one step", kBn, {}},
    {"stages", "key and value tiles in flight", kStages, {}},
    {"p", "how probabilities reach the second product", kSwitch, kPath},
    {"overlap", "scores of one step beside the output of the last", kSwitch,
     kOffOn},
    {"pingpong", "consumers take turns at the matrix unit", kSwitch, kOffOn},
    {"anchor", "pin the second wait behind the softmax", kSwitch, kOffOn},
    {"producer_regs",
     "registers of a producer thread",
     kProducerRegs,
     {},
     /*before=*/std::nullopt,
     /*follows=*/true},
    {"consumer_regs",
     "registers of a consumer thread",
     kConsumerRegs,
     {},
     /*before=*/std::nullopt,
     /*follows=*/true},
    {"order",
     "a head's query tiles: first to last, last to first, or long "
     "ones with short ones",
     kOrders, kOrder},
    {"grid",
     "a workgroup a tile, or resident ones that walk over tiles, in turns or "
     "as a counter in the caller's workspace says",
     kGrids, kGrid},
    {"q_stages", "query tiles in flight", kQStages, {}},
    {"loops", "masked and full steps in loops of their own, or all in one",
     kSwitch, kLoops},
    {"rescale", "the output at each step, or where a maximum of its wave moved",
     kSwitch, kRescale, /*before=*/0},
    {"pack_gqa",
     "query heads of a group in one tile",
     kHeads,
     {},
     /*before=*/1},
    {"section",
     "heads of which resident workgroups take tile after tile in turn",
     kSections,
     {},
     /*before=*/1},
    {"cluster",
     "workgroups on neighbouring tiles that bring each other their keys",
     kCluster,
     {},
     /*before=*/1},
};

/// Tiles, and a 1 KiB page for the barriers.
static int64_t sharedBytes(const ProblemShape &problem,
                           const TargetInfo &target, int64_t bm,
                           const WarpgroupShape &shape, int64_t qStages) {
  auto rowBytes = [&](int64_t cols) {
    return target.storedBytes(padded(cols, target) * problem.elementBytes);
  };
  int64_t query = rowBytes(problem.headDim), value = rowBytes(problem.valueDim);
  return qStages * bm * query + shape.stages * shape.bn * (query + value) +
         (shape.sharedP ? bm * rowBytes(shape.bn) : 0) + 1024;
}

/// `mayReside`: resident workgroups, where they can do with the budgets.
static llvm::SmallVector<int64_t> chosen(const ProblemShape &problem,
                                         const TargetInfo &target,
                                         const NamedFields &named,
                                         bool mayReside) {
  // Measured (docs/perf/hopper-forward.md).
  int64_t widest = std::max(problem.headDim, problem.valueDim);
  bool masked = problem.masked;
  int64_t bm = named.get(
      "bm", problem.calls.rows == RowClass::Few                   ? 64
            : widest <= 64 && problem.calls.keys != KeyClass::Few ? 192
                                                                  : 128);
  int64_t section = named.get("section", 1);
  WarpgroupShape shape;
  shape.consumers = bm / target.unitRows;
  shape.sharedP = named.get("p", false);
  bool overlap = named.get("overlap", true);
  // One loop for all steps is a third less to assemble and within 3 %; beyond
  // 64 it costs up to 5 % at dims that are no power of two.
  bool whole = widest <= 64 || llvm::isPowerOf2_64(padded(widest, target));
  // Sections are of workgroups that walk.
  shape.resident = true, shape.searches = section > 1;
  shape.oneLoop = named.get("loops", overlap && whole);
  bool walks =
      section > 1 || (mayReside && named.get("producer_regs", 56) >=
                                       producerRegisters(problem, shape));
  int64_t grid = named.get("grid", walks);
  bool resident = grid, draws = grid == kDynamic;
  shape.resident = resident, shape.searches |= draws;
  shape.oneLoop = named.get("loops", resident && overlap && whole);
  // Few keys: no step that is mostly beyond them.
  int64_t bn = widest <= 64 ? 128
               : widest <= 128
                   ? (masked || problem.calls.keys == KeyClass::Few ? 128
                      : resident                                    ? 160
                                                                    : 176)
               : widest <= 192 ? (resident ? 128 : 96)
                               : 80;
  int64_t producerRegs =
      named.get("producer_regs",
                shape.consumers == 1 ? 56
                : shape.consumers == 2
                    ? producerRegisters(problem, shape)
                    : std::max<int64_t>(32, producerRegisters(problem, shape)));
  // Of two consumers each gets half of what is left, in multiples of 8.
  int64_t pool =
      target.entryRegisters(shape.consumers + 1) * (shape.consumers + 1);
  int64_t consumerRegs = named.get(
      "consumer_regs", shape.consumers == 1   ? 256
                       : shape.consumers == 2 ? (pool - producerRegs) / 16 * 8
                       : producerRegs > 32    ? 152
                                              : 160);
  shape.stages = named.get("stages", 2);
  // Resident consumers go on across tiles side by side: without turns they
  // drift into step.
  shape.turns =
      named.get("pingpong", shape.consumers > 1 && (resident || widest <= 192));
  int64_t heads = named.get("pack_gqa", 1);
  shape.packs = heads > 1;
  int64_t cluster = named.get("cluster", 1);
  shape.shared = cluster > 1;
  auto fits = [&](int64_t qStages) {
    shape.bn = bn;
    return sharedBytes(problem, target, bm, shape, qStages) <=
           target.sharedBytes;
  };
  auto spills = [&] {
    shape.bn = bn;
    return consumerRegisters(problem, target, shape) > usable(consumerRegs);
  };
  while (bn > kBn[0] && (spills() || !fits(named.get("q_stages", 1))))
    bn -= 16;
  if (mayReside && spills())
    return chosen(problem, target, named, /*mayReside=*/false);
  bn = named.get("bn", bn);
  bool skips = named.get("rescale", true);
  // Where rescaling is a branch, the wait ahead of it can stand behind the
  // exponentials in one loop, too.
  bool anchor =
      widest > 64 && (resident ? shape.oneLoop && skips : widest <= 128);
  // A causal grid starts with its longest tiles; those that walk over tiles
  // share them out, in turns by pairs.
  int64_t order = !masked                              ? 0
                  : resident && !draws && section == 1 ? kPaired
                                                       : 1;
  return {bm,
          bn,
          shape.stages,
          shape.sharedP,
          overlap,
          shape.turns,
          named.get("anchor", overlap && anchor),
          producerRegs,
          consumerRegs,
          named.get("order", order),
          grid,
          named.get("q_stages", resident && fits(2) ? 2 : 1),
          shape.oneLoop,
          skips,
          heads,
          section,
          cluster};
}

static llvm::SmallVector<int64_t> complete(const ProblemShape &problem,
                                           const TargetInfo &target,
                                           const NamedFields &named) {
  return chosen(problem, target, named, /*mayReside=*/true);
}

static WarpgroupShape shapeOf(const Schedule &schedule,
                              const TargetInfo &target) {
  WarpgroupShape shape;
  shape.consumers = schedule.get("bm") / target.unitRows;
  shape.bn = schedule.get("bn"), shape.stages = schedule.get("stages");
  shape.sharedP = schedule.get("p"), shape.resident = schedule.get("grid");
  shape.searches =
      schedule.get("grid") == kDynamic || schedule.get("section") > 1;
  shape.oneLoop = schedule.get("loops");
  shape.turns = schedule.get("pingpong");
  shape.packs = schedule.get("pack_gqa") > 1;
  shape.shared = schedule.get("cluster") > 1;
  return shape;
}

static Error verify(const Schedule &schedule, const ProblemShape &problem,
                    const TargetInfo &target) {
  if (problem.elementBytes != 2)
    return inputError("dtype: {0} given, allowed on {1} with {2}: f16, bf16",
                      problem.elementBytes == 4 ? "f32" : "an 8-bit type",
                      target.name, schedule.getFamily().name);
  int64_t cluster = schedule.get("cluster");
  if (cluster > 1 && !target.has(Capability::ClusterMulticast))
    return inputError("schedule field 'cluster': {0} given, {1} has no "
                      "clusters, allowed: 1",
                      cluster, target.name);
  for (auto [capability, what] :
       {std::pair{Capability::BulkCopy, "copy engine"},
        {Capability::AsyncMatrixProduct, "asynchronous matrix products"},
        {Capability::RegisterBudgets, "register budgets"},
        {Capability::NamedBarriers, "named barriers"}})
    if (!target.has(capability))
      return inputError("schedule: {0} given, {1} has no {2}",
                        schedule.getFamily().name, target.name, what);
  int64_t d = problem.headDim, dv = problem.valueDim;
  for (auto [name, dim] : {std::pair{"head_dim", d}, {"value_dim", dv}})
    if (dim < 8 || dim > 256 || dim % 8)
      return inputError("{0}: {1} given, allowed on {2} with {3}: multiples of "
                        "8 up to 256",
                        name, dim, target.name, schedule.getFamily().name);
  if (problem.alignment < 16)
    return tensorMapError(problem.alignment, schedule.getFamily().name);
  WarpgroupShape shape = shapeOf(schedule, target);
  int64_t consumers = shape.consumers;
  bool resident = shape.resident, overlap = schedule.get("overlap");
  if (schedule.get("pingpong") && consumers < 2)
    return inputError("schedule field 'pingpong': on given with one consumer, "
                      "allowed: off");
  if (schedule.get("anchor") && !overlap)
    return inputError("schedule field 'anchor': on given without overlap, "
                      "allowed: off");

  int64_t qStages = schedule.get("q_stages");
  if (!resident && qStages > 1)
    return inputError("schedule field 'q_stages': {0} given with grid=tiles, "
                      "allowed: 1",
                      qStages);
  int64_t section = schedule.get("section");
  if (!resident && section > 1)
    return inputError("schedule field 'section': {0} given with grid=tiles, "
                      "allowed: 1",
                      section);
  if (schedule.get("grid") == kDynamic && cluster > 1)
    return inputError("schedule field 'cluster': {0} given with grid=dynamic, "
                      "allowed: 1",
                      cluster);
  // Pairs are shared out in turns, head after head.
  if (schedule.get("order") == kPaired &&
      (schedule.get("grid") != 1 || section > 1))
    return inputError("schedule field 'order': paired given with grid={0} and "
                      "section={1}, allowed: forward, reverse",
                      kGrid[schedule.get("grid")], section);

  if (schedule.get("loops") && !(resident && overlap))
    return inputError("schedule field 'loops': one given without "
                      "a grid that walks over tiles and overlap=on, allowed: "
                      "split");

  int64_t bytes =
      sharedBytes(problem, target, schedule.get("bm"), shape, qStages);
  if (bytes > target.sharedBytes)
    return inputError("shared memory: {0} needs {1} bytes, {2} has {3}: {4} "
                      "too many",
                      schedule.str(), bytes, target.name, target.sharedBytes,
                      bytes - target.sharedBytes);
  int64_t regs = schedule.get("consumer_regs");
  // A role that grows waits until another has given registers back: budgets
  // beyond the pool would wait for ever.
  int64_t budgets = schedule.get("producer_regs") + consumers * regs;
  int64_t pool = target.entryRegisters(consumers + 1) * (consumers + 1);
  if (budgets > pool)
    return inputError("registers: the budgets of {0} take {1} of each of {2} "
                      "lanes, {3} has {4}: {5} too many",
                      schedule.str(), budgets, target.unitThreads, target.name,
                      pool, budgets - pool);
  if (int64_t least = producerRegisters(problem, shape);
      schedule.get("producer_regs") < least)
    return inputError(
        "schedule field 'producer_regs': {0} given with {1} and "
        "grid={2}, section={3}, loops={4}, p={5}, allowed: at least {6}",
        schedule.get("producer_regs"), problem.masked ? "a mask" : "no mask",
        kGrid[schedule.get("grid")], section, kLoops[shape.oneLoop],
        kPath[shape.sharedP], least);
  int64_t need = consumerRegisters(problem, target, shape);
  if (need > usable(regs))
    return inputError("registers: {0} needs about {1} a consumer thread, its "
                      "budget is {2}: {3} too many",
                      schedule.str(), need, usable(regs), need - usable(regs));
  return Error::success();
}

const ScheduleFamily attn_jit::kFlashFwdWs = {
    "flash_fwd_ws.v1", "a producer copies while consumers multiply", kFields,
    complete, verify};
