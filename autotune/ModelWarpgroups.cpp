// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// flash_fwd_ws.v1: a step of the one workgroup that a processor holds, whose
// consumers of 64 rows take turns, and the ends of a tile. "Fitted" is the fit
// of docs/perf/model.md; "table" is a row of docs/perf/hopper-forward.md, where
// the measurements that are fitted hold one value of the field.
#include "autotune/ModelParts.h"

using namespace attn_jit;

/// Cycles of a consumer's maxima, exponentials and sums, from its scores on:
/// at all, and for each key (of which the unit for exp2 takes four). Fitted.
static constexpr double kSoftmaxStart = 192, kSoftmaxPerKey = 8.28;
/// Cycles of issue beside exp2, for each column of the output. Fitted.
static constexpr double kIssuePerColumn = 2.36;
/// Cycles of the tensor unit between one consumer's products and the next's.
/// Fitted.
static constexpr double kHandOver = 26;
/// Cycles of a step with all steps in one loop (its branches), and with the
/// second wait pinned behind the sum there. Fitted.
static constexpr double kOneLoop = 123, kAnchored = 16;
/// Cycles of a step of a workgroup of one tile of up to two consumers, beyond
/// what a resident one's takes: measured throughout and not explained. Fitted.
static constexpr double kOneTile = 68;
/// Cycles of a consumer for each key of a masked step. Fitted.
static constexpr double kMaskPerKey = 3.35;
/// Cycles of a tile that starts and ends alone: at all (barriers, queries and
/// keys from memory) and for each of its rows. Fitted.
static constexpr double kTileAlone = 1127, kTilePerRow = 14.7;
/// Cycles of a resident workgroup's next tile: at all, for each column that is
/// stored, and where its queries come once the last ones are left. Fitted.
static constexpr double kTileNext = 780, kStorePerColumn = 1.29,
                        kQueryLate = 573;
/// Microseconds that a resident workgroup's start takes longer. Fitted.
static constexpr double kResidentUs = 0.08;

/// Share of the special-function unit's cycles that consumers without turns
/// spend beside each other: resident ones drift into step (table "pingpong=on
/// at D64": 1.09 to 1.15 with turns), others less ("D64 bm=192, ping-pong on":
/// 1.03).
static constexpr double kDrift = 0.12, kDriftOneTile = 0.04;
/// Cycles of the fence and barrier by which probabilities reach shared memory;
/// with the traffic a twelfth of a step at D128 (table "bn=128, p=shared").
static constexpr double kPublish = 150;
/// Cycles from a copy's issue to its arrival, of which one stage hides none but
/// the softmax: a line's latency beyond the L1, by microbenchmarks in print.
static constexpr double kCopyLatency = 700;
/// Of a step, what the slower of a cluster's two costs the other (table
/// "Clusters that bring each other their keys": 0.96 to 1.01).
static constexpr double kClusterStep = 1.015;
/// Of a step, what sections cost where there is no mask to share out (table
/// "Drawn tiles, and sections of heads": 0.96 to 1.00).
static constexpr double kSectionStep = 1.01;
/// Cycles of a draw, most of which is hidden: set, so that of equal walks the
/// one without a counter comes first.
static constexpr double kDraw = 50;
/// Cycles of the divisions for packed heads in a tile: set, likewise.
static constexpr double kPack = 100;

TimeTerms TimeModel::warpgroups(const Schedule &schedule) {
  enum { OneTile, Resident, Dynamic };
  const ProcessorRates &rates = ratesOf(target);
  const int64_t bm = schedule.get("bm"), stepKeys = schedule.get("bn");
  const int64_t grid = schedule.get("grid"), packed = schedule.get("pack_gqa");
  const int64_t cluster = schedule.get("cluster");
  const int64_t section = schedule.get("section");
  const bool resident = grid != OneTile, overlap = schedule.get("overlap");
  const bool sharedP = schedule.get("p"), oneLoop = schedule.get("loops");
  const double rows = double(target.unitRows), keys = double(stepKeys);
  const double consumers = double(bm) / rows;

  // One consumer's products alone, and its softmax.
  const double scores = 2 * rows * keys * depth / rates.flops;
  const double output = 2 * rows * keys * columns / rates.flops;
  const double rescale =
      schedule.get("rescale") ? 0 : columns / 2; // an instruction a pair
  const double softmax = kSoftmaxStart + kSoftmaxPerKey * keys + rescale +
                         (sharedP ? kPublish + keys : 0);

  TimeTerms terms;
  terms.tensorCycles = consumers * (scores + output + kHandOver);
  terms.specialCycles = consumers * (rows * keys / rates.specials +
                                     kIssuePerColumn * columns + rescale);
  terms.chainCycles = overlap ? scores + together(kStepOverlap, output, softmax)
                              : scores + output + softmax;
  if (schedule.get("stages") == 1)
    terms.chainCycles += kCopyLatency;
  // The first product reads both operands there, for each piece of its depth;
  // the second its right one, and with p=shared the left one, which was
  // written.
  const double pieceBytes = double(target.productDepth * problem.elementBytes);
  const double readBytes =
      depth / double(target.productDepth) * (rows + keys) * pieceBytes +
      keys * columns * double(problem.elementBytes) +
      (sharedP ? 2 * rows * keys * double(problem.elementBytes) : 0);
  terms.sharedCycles =
      (consumers * readBytes + keys * rowBytes) / rates.sharedBytes;

  double step = together(kStepOverlap, terms.tensorCycles, terms.specialCycles,
                         terms.chainCycles, terms.sharedCycles);
  if (oneLoop)
    step += kOneLoop + (schedule.get("anchor") ? kAnchored : 0);
  if (!resident && consumers < 3)
    step += kOneTile;
  if (consumers > 1 && !schedule.get("pingpong"))
    step += (resident ? kDrift : kDriftOneTile) * terms.specialCycles;
  if (cluster > 1)
    step *= kClusterStep;
  if (section > 1)
    step *= kSectionStep;
  terms.stepCycles = step;

  const double alone = std::max(scores + softmax + output - step, 0.0);
  const double ends = kTileAlone + kTilePerRow * double(bm) + alone;
  terms.startCycles = resident ? ends : 0;
  terms.tileCycles = !resident
                         ? ends
                         : kTileNext + kStorePerColumn * columns +
                               (schedule.get("q_stages") > 1 ? 0 : kQueryLate) +
                               (grid == Dynamic ? kDraw : 0);
  if (packed > 1)
    terms.tileCycles += kPack;
  terms.launchUs = resident ? kResidentUs : 0;

  Tiles tiles;
  tiles.rows = bm * cluster, tiles.stepKeys = stepKeys, tiles.packed = packed;
  tiles.workgroups = device.computeUnits / cluster;
  tiles.order = ModelWalk::Order(schedule.get("order"));
  tiles.deal = grid == Resident ? ModelWalk::InTurns : ModelWalk::NextFree;
  tiles.section = section;
  tiles.maskedCycles = kMaskPerKey * keys * consumers;
  launch(terms, tiles);
  return terms;
}
