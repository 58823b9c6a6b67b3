// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit compile: any target, on a machine without that device.
#include "tools/api/Emit.h"
#include "tools/api/Inspect.h"
#include "tools/cli/Arguments.h"
#include "tools/cli/Format.h"
#include "tools/cli/Numbers.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

using namespace attn_jit;

namespace {
struct CompileFlags {
  cli::DescriptionText description;
  std::string target, emit, output, schedule, hostLevel, alignment;
  bool report = false, debugInfo = false;
};
} // namespace

/// \p to: not standard output where that holds the kernel's text.
static void printReport(const api::Compiled &compiled, std::FILE *to) {
  std::fprintf(to, "target: %s\nkernel: %s (%s)\n  %s\n  compiled in %s\n",
               compiled.target.c_str(), compiled.schedule.c_str(),
               compiled.scheduleSource.c_str(),
               cli::resourceText(compiled.resources, compiled.target).c_str(),
               cli::compileText(compiled.times).c_str());
}

/// Checked before anything is compiled.
static rt::Result<api::CompileOptions> readOptions(const CompileFlags &flags,
                                                   const std::string &emit,
                                                   const std::string &output) {
  api::CompileOptions options = api::CompileOptions::fromEnvironment();
  options.target = flags.target;
  options.schedule = flags.schedule;
  options.hostLevel = flags.hostLevel;
  if (!flags.alignment.empty()) {
    ATTN_TRY(options.alignment,
             cli::parseInteger("alignment", flags.alignment, 1, 16));
    if (options.alignment & (options.alignment - 1))
      return cli::refused("alignment", flags.alignment, "1, 2, 4, 8, 16");
  }
  options.debugInfo = flags.debugInfo;
  options.keepLevels =
      !api::isImage(emit) || (flags.debugInfo && !output.empty());
  if (flags.debugInfo && !output.empty() && output != "-")
    options.debugFile = std::filesystem::absolute(output + ".tile.mlir");
  return options;
}

static rt::Status runCompile(const CompileFlags &flags) {
  if (flags.target.empty()) {
    std::string list;
    for (const std::string &name : api::targetNames())
      list += (list.empty() ? "" : ", ") + name;
    return rt::badInput("target: nothing given, allowed: " + list);
  }
  ATTN_TRY(const std::string emit, api::resolveEmit(flags.emit, flags.target));
  std::string output = flags.output;
  const bool nowhere = output.empty() && !flags.emit.empty();
  if ((nowhere || output == "-") && !api::isText(emit))
    return rt::badInput(std::string("o: ") + (nowhere ? "nothing" : "'-'") +
                        " given, allowed for " + emit +
                        ": a file (it is no text)");
  if (nowhere)
    output = "-";
  ATTN_TRY(const api::Description description,
           cli::describe(flags.description));
  ATTN_TRY(api::CompileOptions options, readOptions(flags, emit, output));
  ATTN_TRY(const cli::Sizes typical, cli::readSizes(flags.description, 1));
  auto most = [](const std::vector<int64_t> &sizes) -> int64_t {
    return sizes.empty() ? 0 : *std::ranges::max_element(sizes);
  };
  api::setClass(options, description,
                {most(typical.batch), most(typical.queryHeads),
                 most(typical.queryLen),
                 most(typical.kvLen.empty() ? typical.queryLen : typical.kvLen),
                 flags.description.deterministic});
  ATTN_TRY(api::Compiled compiled, api::compile(description, options));
  ATTN_TRY(const std::string bytes, api::emitted(compiled, emit));
  const bool wantsReport = flags.report || output.empty();
  if (wantsReport && emit != "cubin")
    ATTN_CHECK(api::addPtxasReport(compiled));
  if (output == "-") {
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);
  } else if (!output.empty()) {
    std::vector<rt::FileContent> beside;
    if (flags.debugInfo)
      beside.push_back({options.debugFile, compiled.level(api::Level::Tile)});
    if (api::isImage(emit)) {
      ATTN_CHECK(api::writeImage(compiled, output, beside));
    } else {
      beside.insert(beside.begin(), {output, bytes});
      ATTN_CHECK(rt::writeFiles(beside));
    }
  }
  if (wantsReport)
    printReport(compiled, output == "-" ? stderr : stdout);
  return rt::success();
}

void cli::addCompile(CLI::App &root, int &status) {
  CLI::App *compile = root.add_subcommand(
      "compile", "Compile an attention for any target and write it");
  auto flags = std::make_shared<CompileFlags>();
  auto add = [&](const char *name, std::string &to, const std::string &help) {
    compile->add_option(name, to, help)->group("Compiling")->type_name("");
  };
  std::string targets;
  for (const std::string &name : api::targetNames())
    targets += (targets.empty() ? "" : ", ") + name;
  add("--target", flags->target, "T  " + targets);
  add("--emit", flags->emit,
      "KIND  attn, tile, lowered: MLIR of one level; mlir: of each; llvm; asm; "
      "obj (cpu, gfx); "
      "ptx, cubin (sm_*; cubin needs ptxas), hsaco (gfx*), host (cpu): the "
      "image, with its manifest beside it (the target's image)");
  add("-o,--output", flags->output,
      "FILE  - is standard output, where text goes without -o");
  add("--schedule", flags->schedule,
      "S  name.v1 or name.v1<field=value,...>; see attn-jit schedules");
  add("--cpu-level", flags->hostLevel,
      "L  cpu target: x86-64-v3, x86-64-v4 (this machine's)");
  add("--alignment", flags->alignment,
      "N  bytes that bases and strides are multiples of: 1 to 16; below 16 "
      "kernels load without tensor maps (16)");
  compile
      ->add_flag("--report", flags->report,
                 "print registers, spills, shared memory, occupancy, times; to "
                 "standard error where text goes to standard output")
      ->group("Compiling");
  compile
      ->add_flag("--debug-info", flags->debugInfo,
                 "source lines of the tile IR into the image; the IR goes to "
                 "FILE.tile.mlir")
      ->group("Compiling");
  cli::addDescriptionFlags(*compile, flags->description, /*forBench=*/false);
  compile->footer(
      "Batch, heads, lengths and strides are given at launch; one image "
      "serves all.\n"
      "  attn-jit compile --target sm_90a -d 128 --emit ptx -o kernel.ptx\n"
      "  attn-jit compile --target gfx942 -d 128 --emit tile\n"
      "  attn-jit compile --target cpu -d 64 --dtype fp32 --report");
  compile->callback([flags, &status] {
    auto result = runCompile(*flags);
    status = result ? 0 : report(result.error());
  });
}
