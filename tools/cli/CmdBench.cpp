// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit bench: flags in, report out.
#include "runtime/Printable.h"
#include "tools/bench/Outputs.h"
#include "tools/bench/Print.h"
#include "tools/cli/Arguments.h"

#include <cstdio>
#include <set>

using namespace attn_jit;

/// Kernels that the old tool has and this one has not yet.
static constexpr const char *kQuantised[] = {
    "fp8",      "fav3_fp8",    "qk_int8", "sagev1",         "sagev1_fa3",
    "sage_fa3", "fav3_sage",   "sage",    "sage_mxfp4",     "quantize_p",
    "k_smooth", "no_k_smooth", "qsmooth", "hadamard_rotate"};

namespace {
struct BenchFlags {
  bench::BenchText text;
  std::string mode, command;
  bool quantised[std::size(kQuantised)] = {};
};
} // namespace

static rt::Status refuseQuantised(const BenchFlags &flags) {
  for (size_t i = 0; i < std::size(kQuantised); ++i)
    if (flags.quantised[i])
      return rt::unsupported(std::string(kQuantised[i]) +
                             ": given, the quantised kernels are not there "
                             "yet; allowed: none (fav2, unquantised)");
  if (!flags.mode.empty() && flags.mode != "fwd")
    return rt::unsupported("mode: " + rt::inQuotes(flags.mode) +
                           " given, allowed: fwd (backward is not there yet)");
  return rt::success();
}

static rt::Result<int> runBench(const BenchFlags &flags) {
  ATTN_CHECK(refuseQuantised(flags));
  ATTN_TRY(const bench::Options options, bench::checkOptions(flags.text));
  ATTN_CHECK(bench::checkOutputs(options));
  ATTN_TRY(const bench::Report report, bench::run(options));
  std::set<std::string> said;
  for (const bench::Row &row : report.rows)
    if (row.fault && said.insert(row.fault->text).second)
      cli::report(*row.fault);
  if (!report.finishedAny())
    return report.exitCode();
  cli::noticeStore();
  // First, so that no fault of a file takes it away.
  std::fputs(tableText(report, options).c_str(), stdout);
  std::fflush(stdout);
  ATTN_CHECK(bench::writeOutputs(report, options, flags.command));
  return report.exitCode();
}

static void addFlags(CLI::App &command, BenchFlags &flags) {
  bench::BenchText &text = flags.text;
  cli::addDescriptionFlags(command, text.description, /*forBench=*/true);
  auto add = [&](const char *group, const char *name, std::string &to,
                 const char *help) {
    command.add_option(name, to, help)->group(group)->type_name("");
  };
  auto flag = [&](const char *group, const char *name, bool &to,
                  const char *help) {
    command.add_flag(name, to, help)->group(group);
  };
  const char *inputs = "Inputs";
  add(inputs, "--input", text.input,
      "K  normal, uniform, zero, sink, underflow, latesink, maxstair "
      "(docs/inputs.md); a list makes rows (normal)");
  add(inputs, "--seed", text.seed, "N  of made inputs (20)");
  add(inputs, "--scale", text.scale, "X  of the scores (1/sqrt(d))");
  flag(inputs, "--load_captured", text.loadCaptured,
       "bench captured tensors instead of made ones");
  add(inputs, "--captured_dir", text.capturedDir,
      "PATH  *_input_*.pt, *.safetensors or q.npy, k.npy, v.npy; a folder or "
      "one file (./captured_inputs)");
  flag(inputs, "--ignore_captured_kwargs", text.ignoreKwargs,
       "causal and scale of the file do not count, as in the old tool");
  const char *run = "What to run";
  add(run, "--device", text.device,
      "D  auto, cuda:0, hip:0, cpu, null (auto: the first GPU, else the CPU)");
  add(run, "--target", text.target,
      "T  compile for this chip; without such a device only compile");
  add(run, "--schedule", text.schedule,
      "S  name.v1 or name.v1<field=value,...>; see attn-jit schedules");
  add(run, "--mode", flags.mode, "M  fwd");
  add(run, "--pin", text.pinFile,
      "FILE  of attn-jit tune --pin: its schedules, and the default elsewhere");
  add(run, "--tune", text.tune,
      "M  background: rows that no tuning of this owner serves are tuned "
      "beside "
      "the others by child processes, with a tenth of the device's time "
      "(docs/commands.md); off (ATTN_JIT_TUNE's)");
  flag(run, "--no-cache", text.noCache,
       "neither read nor write this owner's store");
  flag(run, "--assert-cached", text.assertCached,
       "a kernel that has to be compiled is an error, which says how its key "
       "differs from the nearest one in the store");
  const char *time = "Timing";
  add(time, "--warmup", text.warmup, "MS  before timing (25)");
  add(time, "--rep", text.rep, "MS  of timed calls (100)");
  flag(time, "--warm_cache", text.keepCache,
       "do not flush the last-level cache before each call");
  add(time, "--timeout", text.timeout,
      "S  a kernel that takes longer ends the command with an error (120)");
  const char *check = "Checking (every row is checked against a "
                      "double-precision reference)";
  flag(check, "--compare_to_ref", text.compareToRef,
       "show errors against -ref; without -metric only times beside them");
  add(check, "--ref", text.reference,
      "R  torch: the double-precision reference; fav2: our unquantised kernel");
  flag(check, "--print_compare_stats", text.printCompareStats,
       "mean, maximum and relative error, cosine");
  const char *out = "Output";
  add(out, "--metric", text.metric,
      "[M]  time, throughput, bandwidth, arithmetic_intensity, all; alone it "
      "means throughput (all)");
  add(out, "--flops", text.flops,
      "C  visible: pairs that the mask lets through; halved_causal: "
      "FlashAttention's count, half of all pairs when causal; diffusion: the "
      "old tool's FLOPs and bytes (visible)");
  flag(out, "--print_vgpr", text.printVgpr, "registers and spills of each row");
  flag(out, "-o", text.oldCsv,
       "write ./bench_diffusion_attention[_captured].csv");
  add(out, "--csv", text.csvFile, "FILE  the table as CSV");
  add(out, "--json", text.jsonFile, "FILE  {\"system\": ..., \"rows\": [...]}");
  flag(out, "--save_output", text.saveOutput,
       "write each row's output as .npy");
  add(out, "--output_dir", text.outputDir, "DIR  of --save_output (outputs)");
  for (size_t i = 0; i < std::size(kQuantised); ++i)
    command
        .add_flag("--" + std::string(kQuantised[i]), flags.quantised[i],
                  "not there yet")
        ->group("Quantised kernels");
}

void cli::addBench(CLI::App &root, int &status, const std::string &command) {
  CLI::App *bench = root.add_subcommand(
      "bench", "Compile, run, check and time attention kernels");
  auto flags = std::make_shared<BenchFlags>();
  flags->command = command;
  addFlags(*bench, *flags);
  bench->footer(
      "Exit code: 0 no row FAILED, 1 one did or a driver did, 2 what was given "
      "cannot be, of one row or of all.\n"
      "  attn-jit bench -b 1 -hq 16 -sq 4096 -d 128 -causal\n"
      "  attn-jit bench --load_captured --captured_dir templates/samples "
      "--json rows.json");
  bench->callback([flags, &status] {
    auto result = runBench(*flags);
    status = result ? *result : report(result.error());
  });
}
