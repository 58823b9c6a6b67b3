// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit tune, and the process that it measures in.
#include "runtime/File.h"
#include "tools/cli/Arguments.h"
#include "tools/tune/Background.h"
#include "tools/tune/CompileOnly.h"
#include "tools/tune/Run.h"
#include "tools/tune/Worker.h"

#include <cstdio>

using namespace attn_jit;

static rt::Result<int> runTune(const tuning::TuneText &text,
                               const std::string &startedBy) {
  if (!startedBy.empty())
    ATTN_CHECK(tuning::beginBackground(startedBy));
  ATTN_TRY(const tuning::Options options, tuning::checkOptions(text));
  if (options.compileOnly) {
    ATTN_TRY(const tune::HelperReport helped, tuning::compileOnly(options));
    std::printf("%zu compiled, %zu failed, for %zu searches\n", helped.compiled,
                helped.failed, helped.searches);
    return 0;
  }
  ATTN_TRY(const tuning::Report report, tuning::run(options));
  cli::noticeStore();
  std::fputs(tuning::reportText(report).c_str(), stdout);
  std::fflush(stdout);
  if (!options.jsonFile.empty())
    ATTN_CHECK(rt::writeFile(options.jsonFile, tuning::jsonText(report)));
  return 0;
}

static void addCase(CLI::App &command, tuning::TuneText &text) {
  cli::addDescriptionFlags(command, text.description, /*forBench=*/true);
  auto add = [&](const char *name, std::string &to, const char *help) {
    command.add_option(name, to, help)->group("What to run")->type_name("");
  };
  add("--device", text.device,
      "D  auto, cuda:0, hip:0, cpu (auto: the first GPU, else the CPU)");
  add("--share", text.share,
      "X  of the time that the device is used, 0.01 to 1 (1): beside other "
      "work, measuring rests in between");
  add("--seed", text.seed, "N  of made inputs (20)");
  command
      .add_flag("--warm_cache", text.keepCache,
                "do not flush the last-level cache before each call")
      ->group("What to run");
}

void cli::addTune(CLI::App &root, int &status) {
  CLI::App *tune = root.add_subcommand(
      "tune", "Find the fastest schedule of one attention, and record it");
  auto text = std::make_shared<tuning::TuneText>();
  addCase(*tune, *text);
  auto add = [&](const char *name, std::string &to, const char *help) {
    tune->add_option(name, to, help)->group("Search")->type_name("");
  };
  add("--budget", text->budget,
      "T  of wall clock, compiling included: 90, 90s, 2m, 1h (60s); with "
      "--join of the devices' seconds, summed");
  add("--schedules", text->schedules,
      "N  the best by the model that are searched (512)");
  add("--sample", text->sample,
      "N  more, drawn from the rest of the legal space (0)");
  add("--every", text->every,
      "N  times all of the list, N samples each, and searches and records "
      "nothing: what a search is judged by (with --json)");
  add("--records", text->recordsFile,
      "FILE  of JSON lines to append to, instead of this owner's store");
  add("--join", text->join,
      "URL  redis://host:port/n: search with all that are there");
  add("--key", text->keyFile, "FILE  that signs what is said with --join");
  tune->add_flag("--compile-only", text->compileOnly,
                 "with --join: compile for those who measure this attention, "
                 "until there was nothing to do for --budget")
      ->group("Search");
  tune->add_flag(
          "--bucket", text->bucket,
          "both ends of the bucket that holds these sizes, for all calls "
          "between them")
      ->group("Search");
  add("--pin", text->pinFile,
      "FILE  to put the choice into, for bench --pin and a job's ranks");
  add("--json", text->jsonFile, "FILE  the winner, its ratio, the curve");
  tune->footer(
      "A search that was killed goes on where it was, at the same command. "
      "What crashed, hung or was wrong is not run again under this compiler "
      "and driver.\n"
      "Exit code: 0 there is a winner, which may be the default, 1 the device "
      "failed, 2 what was given cannot be.\n"
      "  attn-jit tune -b 4 -hq 16 -sq 4096 -d 128 -causal --budget 2m");
  // How a running program starts one, no flag for a user.
  auto startedBy = std::make_shared<std::string>();
  tune->add_option("--background", *startedBy, "")->group("");
  tune->callback([text, startedBy, &status] {
    auto result = runTune(*text, *startedBy);
    status = result ? *result : report(result.error());
  });

  // No command for a user: the empty group keeps it out of the help.
  CLI::App *worker = root.add_subcommand("measure-worker", "")->group("");
  auto own = std::make_shared<tuning::TuneText>();
  addCase(*worker, *own);
  worker->callback([own, &status] {
    auto options = tuning::checkOptions(*own);
    status = options ? tuning::work(*options) : report(options.error());
  });
}
