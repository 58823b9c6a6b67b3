// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-jit cache warm: kernels of calls that are yet to come, compiled now, on
// a host that needs no such device.
#include "autotune/CompilePool.h"
#include "runtime/Printable.h"
#include "runtime/Processors.h"
#include "tools/api/KernelStore.h"
#include "tools/bench/Progress.h"
#include "tools/cache/CallList.h"
#include "tools/cache/Shared.h"

#include <cstdio>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::cache;

/// For what remotes are offered: a dead one ends it at its first failure.
static constexpr std::chrono::seconds remoteLimit{60};

/// "compiled", "found".
static tune::CompiledPath keep(api::KernelStore &kept,
                               const WantedKernel &kernel) {
  auto make = [&](const api::KernelStore::CalledOff &calledOff) {
    api::CompileOptions wanted = kernel.request.wanted;
    wanted.calledOff = calledOff;
    return api::compile(kernel.description, wanted);
  };
  ATTN_TRY(const auto image, kept.image(kernel.key, make));
  if (image.from != api::KernelStore::From::Compiler)
    return std::string("found");
  // To use it without keeping it is no use here.
  const std::string file =
      kept.disk().actionFile(kernel.key.digest(), store::Place::Own);
  if (access(file.c_str(), R_OK) != 0)
    return rt::failed("store: " + rt::inQuotes(kept.disk().root().path) +
                      " does not keep it: no room, or no right to write");
  return std::string("compiled");
}

static rt::Result<int> warm(const CallText &text) {
  ATTN_TRY(const store::CacheRoot root, rootToWrite());
  const api::RecordSources known = recordsHere();
  ATTN_TRY(const Place place, placeOf(text));
  ATTN_TRY(const auto calls, listCalls(text, place.target, known));
  ATTN_TRY(const std::vector<WantedKernel> kernels,
           wantedKernels(text, place, calls, known));
  ATTN_TRY(api::KernelStore * kept, api::KernelStore::ofProcess());
  std::map<std::string, const WantedKernel *> byKey;
  for (const WantedKernel &each : kernels)
    byKey[each.key.digest().hex()] = &each;
  tune::CompilePool pool(
      [&](const std::string &key) { return keep(*kept, *byKey.at(key)); },
      unsigned(rt::usableProcessors()));
  for (const WantedKernel &each : kernels)
    pool.announce(each.key.digest().hex());
  bench::Progress progress(kernels.size());
  std::map<std::string, size_t> count;
  int status = 0;
  for (const WantedKernel &each : kernels) {
    progress.next();
    progress.say(each.name);
    const std::string key = each.key.digest().hex();
    const tune::CompiledPath done = pool.get(key);
    progress.clear();
    if (!done) {
      rt::Error error = done.error();
      error.text = each.name + ": " + error.text;
      status = std::max(status, cli::report(error));
      continue;
    }
    ++count[*done];
    const std::string &schedule = each.request.wanted.schedule;
    std::printf("%s %s %s: %s\n", done->c_str(), key.c_str(), each.name.c_str(),
                schedule.empty() ? "default" : schedule.c_str());
    std::fflush(stdout);
  }
  const size_t failed = kernels.size() - count["compiled"] - count["found"];
  std::printf("%s: %zu compiled, %zu found, %zu failed\n",
              countText(int64_t(kernels.size()), "kernel").c_str(),
              count["compiled"], count["found"], failed);
  if (kept->remotes())
    kept->remotes()->drain(std::chrono::steady_clock::now() + remoteLimit);
  return status;
}

void cache::addWarm(CLI::App &cache, int &status) {
  CLI::App *command = cache.add_subcommand(
      "warm", "Compile and keep what calls will ask for, here or elsewhere");
  auto text = std::make_shared<CallText>();
  addCallFlags(*command, *text);
  addKernelFlags(*command, *text);
  command->footer(
      "The kernels are those that bench and the API ask for at these calls on "
      "a device of the target. With --target alone they are the default's and, "
      "for each device that records tell of, those that serve there.\n"
      "Exit code: 0 all are kept, 1 the machine failed, 2 what was given "
      "cannot be, of one kernel or of all.\n"
      "  attn-jit cache warm --target sm_90a -hq 16 -sq 1,4096 -d 64,128 "
      "-causal\n"
      "  attn-jit cache warm --target gfx942 --from rows.json");
  command->callback([text, &status] {
    auto result = warm(*text);
    status = result ? *result : cli::report(result.error());
  });
}
