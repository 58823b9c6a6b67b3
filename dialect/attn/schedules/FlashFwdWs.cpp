// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// flash_fwd_ws.v1: one producer unit drives the copy engine, one to three
// consumer units multiply. The shape is FlashAttention-3's (Shah et al., 2024);
// the default tiles are those measured in docs/perf.
#include "dialect/attn/Schedule.h"
#include "llvm/Support/MathExtras.h"

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
static constexpr int64_t kPaired = 2;
static constexpr int64_t kOrders[] = {0, 1, kPaired};
static constexpr llvm::StringLiteral kGrid[] = {"tiles", "resident"};
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
    {"producer_regs", "registers of a producer thread", kProducerRegs, {}},
    {"consumer_regs", "registers of a consumer thread", kConsumerRegs, {}},
    {"order",
     "a head's query tiles: first to last, last to first, or long "
     "ones with short ones",
     kOrders, kOrder},
    {"grid", "a workgroup a tile, or resident ones that walk over tiles",
     kSwitch, kGrid},
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
};

/// Columns of what is multiplied and accumulated: whole products.
static int64_t padded(int64_t dim, const TargetInfo &target) {
  return llvm::alignTo(dim, target.productDepth);
}

/// What walking over tiles adds: the sums of the tile before, and where it is
/// stored. In one loop for all steps that happens while nothing else is live;
/// with one stage the assembler hoists every descriptor.
static int64_t registersAcross(bool masked, int64_t widest, int64_t consumers,
                               int64_t stages, bool sharedP, bool oneLoop) {
  if (oneLoop) {
    int64_t hoisted = stages > 1 || widest < 128 ? 0 : widest > 192 ? 48 : 13;
    int64_t skips = consumers == 3   ? (masked && widest >= 128 ? 12 : 0)
                    : consumers == 2 ? 0
                    : masked && widest > 192 ? 22
                                             : 9;
    return hoisted + skips + (!sharedP ? 0 : masked ? 64 : 34);
  }
  int64_t more = widest > 192 ? (consumers == 1 ? 34 : 24) : 0;
  if (sharedP)
    return more + (masked ? 25 : consumers == 1 && widest > 192 ? 14 : 8);
  if (consumers < 3)
    return more + (masked ? 14 : 12);
  return more + (widest < 128 ? 0 : masked && stages == 1 ? 12 : 4);
}

/// What rows of packed heads add, which have heads of their own.
static int64_t registersOfPlaces(bool masked, int64_t widest, int64_t consumers,
                                 bool resident, bool oneLoop) {
  if (consumers == 3)
    return resident && (masked ? !oneLoop : oneLoop && widest >= 128) ? 8 : 0;
  return resident && consumers == 1 && widest > 192 ? 26 : 4;
}

/// Registers of a consumer thread: scores and output in f32, probabilities in
/// 16 bits when they stay in registers, addresses and row statistics. Fitted to
/// ptxas 13.0, so that none of test/codegen/nvptx/corners.test spills.
static int64_t consumerRegisters(const ProblemShape &problem,
                                 const TargetInfo &target, int64_t consumers,
                                 int64_t bn, int64_t stages, bool sharedP,
                                 bool resident, bool oneLoop, bool turns,
                                 bool packs) {
  int64_t dv = padded(problem.valueDim, target);
  int64_t widest = std::max(padded(problem.headDim, target), dv);
  int64_t across = resident ? registersAcross(problem.masked, widest, consumers,
                                              stages, sharedP, oneLoop)
                            : 0;
  int64_t more = llvm::isPowerOf2_64(widest) ? 0 : 9; // a last panel of its own
  if (sharedP)
    return (bn + dv) / 2 * 7 / 5 + more + across;
  int64_t rest = widest / 8 + 13 + (problem.masked ? 3 : 0) + (turns ? 2 : 0);
  int64_t places = packs ? registersOfPlaces(problem.masked, widest, consumers,
                                             resident, oneLoop)
                         : 0;
  return bn * 4 / 5 + dv / 2 + rest + more + across + places;
}

/// The producer works out where the next tile is, and which blocks it sees.
static int64_t producerRegisters(const ProblemShape &problem, int64_t consumers,
                                 bool resident, bool sharedP) {
  if (!problem.masked || !resident || !sharedP)
    return 24;
  return consumers > 2 ? 32 : 40;
}

/// Tiles, and a 1 KiB page for the barriers.
static int64_t sharedBytes(const ProblemShape &problem,
                           const TargetInfo &target, int64_t bm, int64_t bn,
                           int64_t stages, int64_t qStages, bool sharedP) {
  auto rowBytes = [&](int64_t cols) {
    return target.storedBytes(padded(cols, target) * problem.elementBytes);
  };
  int64_t query = rowBytes(problem.headDim), value = rowBytes(problem.valueDim);
  return qStages * bm * query + stages * bn * (query + value) +
         (sharedP ? bm * rowBytes(bn) : 0) + 1024;
}

/// An instruction names 255 registers; ptxas spills before the last of them.
static int64_t usable(int64_t consumerRegs) {
  return std::min<int64_t>(consumerRegs, 248);
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
  int64_t consumers = bm / target.unitRows;
  bool sharedP = named.get("p", false);
  bool resident =
      named.get("grid", mayReside && named.get("producer_regs", 56) >=
                                         producerRegisters(problem, consumers,
                                                           true, sharedP));
  bool overlap = named.get("overlap", true);
  // One loop for all steps is a third less to assemble and within 3 %; beyond
  // 64 it costs up to 5 % at dims that are no power of two.
  bool whole = widest <= 64 || llvm::isPowerOf2_64(padded(widest, target));
  bool oneLoop = named.get("loops", resident && overlap && whole);
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
                consumers == 1 ? 56
                : consumers == 2
                    ? producerRegisters(problem, consumers, resident, sharedP)
                    : 32);
  // Of two consumers each gets half of what is left, in multiples of 8.
  int64_t pool = target.entryRegisters(consumers + 1) * (consumers + 1);
  int64_t consumerRegs = named.get(
      "consumer_regs", consumers == 1   ? 256
                       : consumers == 2 ? (pool - producerRegs) / 16 * 8
                                        : 160);
  int64_t stages = named.get("stages", 2);
  // Resident consumers go on across tiles side by side: without turns they
  // drift into step.
  bool turns =
      named.get("pingpong", consumers > 1 && (resident || widest <= 192));
  int64_t heads = named.get("pack_gqa", 1);
  auto fits = [&](int64_t qStages) {
    return sharedBytes(problem, target, bm, bn, stages, qStages, sharedP) <=
           target.sharedBytes;
  };
  auto spills = [&] {
    return consumerRegisters(problem, target, consumers, bn, stages, sharedP,
                             resident, oneLoop, turns,
                             heads > 1) > usable(consumerRegs);
  };
  while (bn > kBn[0] && (spills() || !fits(named.get("q_stages", 1))))
    bn -= 16;
  if (mayReside && spills())
    return chosen(problem, target, named, /*mayReside=*/false);
  bn = named.get("bn", bn);
  bool skips = named.get("rescale", true);
  // Where rescaling is a branch, the wait ahead of it can stand behind the
  // exponentials in one loop, too.
  bool anchor = widest > 64 && (resident ? oneLoop && skips : widest <= 128);
  // A causal grid starts with its longest tiles; those that walk over tiles
  // share them out.
  int64_t order = masked ? 1 + resident : 0;
  return {bm,
          bn,
          stages,
          sharedP,
          overlap,
          turns,
          named.get("anchor", overlap && anchor),
          producerRegs,
          consumerRegs,
          named.get("order", order),
          resident,
          named.get("q_stages", resident && fits(2) ? 2 : 1),
          oneLoop,
          skips,
          heads};
}

static llvm::SmallVector<int64_t> complete(const ProblemShape &problem,
                                           const TargetInfo &target,
                                           const NamedFields &named) {
  return chosen(problem, target, named, /*mayReside=*/true);
}

static Error verify(const Schedule &schedule, const ProblemShape &problem,
                    const TargetInfo &target) {
  // A chip's other units multiply f32, with none of these.
  if (problem.elementBytes == 4 && target.has(Capability::Tf32Product))
    return inputError("dtype: f32 given, allowed on {0} with {1}: f16, bf16",
                      target.name, schedule.getFamily().name);
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
  if (problem.elementBytes != 2)
    return inputError("dtype: {0} given, allowed on {1} with {2}: f16, bf16",
                      problem.elementBytes == 4 ? "f32" : "an 8-bit type",
                      target.name, schedule.getFamily().name);

  if (problem.alignment < 16)
    return tensorMapError(problem.alignment, schedule.getFamily().name);
  int64_t bm = schedule.get("bm"), bn = schedule.get("bn"),
          stages = schedule.get("stages");
  int64_t consumers = bm / target.unitRows;
  bool sharedP = schedule.get("p"), overlap = schedule.get("overlap");
  if (schedule.get("pingpong") && consumers < 2)
    return inputError("schedule field 'pingpong': on given with one consumer, "
                      "allowed: off");
  if (schedule.get("anchor") && !overlap)
    return inputError("schedule field 'anchor': on given without overlap, "
                      "allowed: off");

  int64_t qStages = schedule.get("q_stages");
  bool resident = schedule.get("grid");
  if (!resident && qStages > 1)
    return inputError("schedule field 'q_stages': {0} given with grid=tiles, "
                      "allowed: 1",
                      qStages);
  if (!resident && schedule.get("order") == kPaired)
    return inputError("schedule field 'order': paired given with grid=tiles, "
                      "allowed: forward, reverse");

  if (schedule.get("loops") && !(resident && overlap))
    return inputError("schedule field 'loops': one given without "
                      "grid=resident and overlap=on, allowed: split");

  int64_t bytes =
      sharedBytes(problem, target, bm, bn, stages, qStages, sharedP);
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
  if (int64_t least = producerRegisters(problem, consumers, resident, sharedP);
      schedule.get("producer_regs") < least)
    return inputError("schedule field 'producer_regs': {0} given with a mask, "
                      "grid=resident and p=shared, allowed: at least {1}",
                      schedule.get("producer_regs"), least);
  int64_t need =
      consumerRegisters(problem, target, consumers, bn, stages, sharedP,
                        resident, schedule.get("loops"),
                        schedule.get("pingpong"), schedule.get("pack_gqa") > 1);
  if (need > usable(regs))
    return inputError("registers: {0} needs about {1} a consumer thread, its "
                      "budget is {2}: {3} too many",
                      schedule.str(), need, usable(regs), need - usable(regs));
  return Error::success();
}

const ScheduleFamily attn_jit::kFlashFwdWs = {
    "flash_fwd_ws.v1", "a producer copies while consumers multiply", kFields,
    complete, verify};
