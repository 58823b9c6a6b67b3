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
static constexpr int64_t kConsumerRegs[] = {152, 160, 216, 232, 240, 256};
static constexpr llvm::StringLiteral kOffOn[] = {"off", "on"};
static constexpr llvm::StringLiteral kPath[] = {"registers", "shared"};
static constexpr llvm::StringLiteral kOrder[] = {"forward", "reverse"};

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
    {"order", "query tiles first to last, or last to first", kSwitch, kOrder},
};

/// Registers of a consumer thread: scores and output in f32, probabilities in
/// 16 bits when they stay in registers, addresses and row statistics. Fitted to
/// ptxas 13.0, so that none of test/codegen/nvptx/corners.test spills.
static int64_t consumerRegisters(const ProblemShape &problem, int64_t bn,
                                 bool sharedP) {
  int64_t dv = problem.valueDim, widest = std::max(problem.headDim, dv);
  if (sharedP)
    return (bn + dv) / 2 * 7 / 5;
  int64_t rest = widest / 8 + 13 + (problem.masked ? 3 : 0);
  if (!llvm::isPowerOf2_64(widest))
    rest += 9; // a last panel of its own
  return bn * 4 / 5 + dv / 2 + rest;
}

/// Tiles, and a 1 KiB page for the barriers.
static int64_t sharedBytes(const ProblemShape &problem, int64_t bm, int64_t bn,
                           int64_t stages, bool sharedP) {
  int64_t d = problem.headDim, dv = problem.valueDim;
  return (bm * d + stages * bn * (d + dv) + (sharedP ? bm * bn : 0)) *
             problem.elementBytes +
         1024;
}

/// An instruction names 255 registers; ptxas spills before the last of them.
static int64_t usable(int64_t consumerRegs) {
  return std::min<int64_t>(consumerRegs, 248);
}

static llvm::SmallVector<int64_t> complete(const ProblemShape &problem,
                                           const TargetInfo &target,
                                           const NamedFields &named) {
  int64_t widest = std::max(problem.headDim, problem.valueDim);
  int64_t bm = named.get("bm", widest <= 64 ? 192 : 128);
  int64_t consumers = bm / target.unitRows;
  // Measured at the usual height (docs/perf/hopper-forward.md).
  int64_t bn = widest <= 64    ? 128
               : widest <= 128 ? (problem.masked ? 128 : 176)
               : widest <= 192 ? 96
                               : 80;
  bool turns = consumers > 1 && widest > 64 && widest <= 192;
  bool overlap = named.get("overlap", true);
  bool anchor = overlap && widest > 64 && widest <= 128;
  int64_t consumerRegs = named.get("consumer_regs", consumers == 1   ? 256
                                                    : consumers == 2 ? 240
                                                                     : 160);
  bool sharedP = named.get("p", false);
  int64_t stages = named.get("stages", 2);
  while (bn > kBn[0] &&
         (consumerRegisters(problem, bn, sharedP) > usable(consumerRegs) ||
          sharedBytes(problem, bm, bn, stages, sharedP) > target.sharedBytes))
    bn -= 16;
  int64_t producerRegs = consumers == 1 ? 56 : consumers == 2 ? 24 : 32;
  int64_t order = problem.masked; // a causal grid starts with its longest tiles
  return {bm,
          named.get("bn", bn),
          stages,
          sharedP,
          overlap,
          named.get("pingpong", turns),
          named.get("anchor", anchor),
          named.get("producer_regs", producerRegs),
          consumerRegs,
          named.get("order", order)};
}

static Error verify(const Schedule &schedule, const ProblemShape &problem,
                    const TargetInfo &target) {
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
    if (dim < 16 || dim > 256 || dim % 16)
      return inputError("{0}: {1} given, allowed on {2}: multiples of 16 up to "
                        "256",
                        name, dim, target.name);
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

  int64_t bytes = sharedBytes(problem, bm, bn, stages, sharedP);
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
  int64_t need = consumerRegisters(problem, bn, sharedP);
  if (need > usable(regs))
    return inputError("registers: {0} needs about {1} a consumer thread, its "
                      "budget is {2}: {3} too many",
                      schedule.str(), need, usable(regs), need - usable(regs));
  return Error::success();
}

const ScheduleFamily attn_jit::kFlashFwdWs = {
    "flash_fwd_ws.v1", "a producer copies while consumers multiply", kFields,
    complete, verify};
