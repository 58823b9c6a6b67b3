// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The differential grid: every variant on one device against the
// double-precision reference, which shares no mask or region code with the
// compiler.
//   attn-grid [--device D] [--target T] [--schedule S] [--group TEXT]
//             [--without TEXT] [--module FILE] [--templates DIR] [--list]
//             [--far] [--delays N] [--packed N]
// --target compiles for another chip than the device's own, --group runs the
// groups whose name holds TEXT, --without not those; --module takes their
// kernel from a file of tile or attn IR; --far checks tensors above 4 GiB
// alone; --delays shares N seeds out among few small calls, for a module with
// delays: each must give the same bits; --packed makes calls whose query heads
// a key head are a multiple of N. Exit code: 0 all right, 1 one is wrong, 2 can
// not run.
#include "test/grid/Check.h"
#include "test/grid/Trial.h"

#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>

using namespace attn_jit;
using namespace attn_jit::grid;

namespace {
struct Options {
  std::string device = "cpu", target, schedule, group, without, module,
              templates = ATTN_JIT_TEMPLATES;
  bool list = false, far = false;
  int64_t seeds = 0, packed = 0;
};

/// What is wrong with one call; empty when nothing is.
rt::Result<std::string> check(const api::Engine &engine, const Group &group,
                              const Call &call, const Options &options,
                              Seeds seeds) {
  ATTN_TRY(Trial trial, Trial::make(engine.device(), group, call));
  api::KernelOptions wanted;
  wanted.target = options.target;
  wanted.schedule = options.schedule;
  wanted.typical = {call.batch, call.queryHeads, call.queryLen, call.kvLen};
  ATTN_TRY(auto kernel, engine.kernel(group.description, wanted));
  if (seeds.count)
    return trial.race(*kernel, seeds);
  ATTN_CHECK(trial.launch(*kernel));
  return trial.judge();
}

/// Single precision, or one way to hold it, is not every target's: the compiler
/// says so.
bool lacks(const Group &group, const rt::Error &refusal) {
  return group.description.element == api::Element::F32 &&
         (refusal.text.starts_with("dtype: ") ||
          refusal.text.starts_with("precision: "));
}

rt::Result<Options> read(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--list") {
      options.list = true;
      continue;
    }
    if (flag == "--far") {
      options.far = true;
      continue;
    }
    std::string seeds, packed;
    std::string *to = flag == "--device"      ? &options.device
                      : flag == "--target"    ? &options.target
                      : flag == "--schedule"  ? &options.schedule
                      : flag == "--group"     ? &options.group
                      : flag == "--without"   ? &options.without
                      : flag == "--module"    ? &options.module
                      : flag == "--templates" ? &options.templates
                      : flag == "--delays"    ? &seeds
                      : flag == "--packed"    ? &packed
                                              : nullptr;
    if (!to)
      return rt::badInput(flag + ": given, allowed: --device, --target, "
                                 "--schedule, --group, --without, --module, "
                                 "--templates, "
                                 "--delays, --packed, "
                                 "--list, --far");
    if (++i == argc)
      return rt::badInput(flag + ": nothing given");
    *to = argv[i];
    if (to == &packed) {
      if (packed != "2" && packed != "4" && packed != "8")
        return rt::badInput("--packed: " + packed + " given, allowed: 2, 4, 8");
      options.packed = packed[0] - '0';
      continue;
    }
    if (to != &seeds)
      continue;
    const char *end = seeds.data() + seeds.size();
    auto [stop, error] = std::from_chars(seeds.data(), end, options.seeds);
    if (error != std::errc() || stop != end || options.seeds < 1)
      return rt::badInput("--delays: " + seeds + " given, allowed: 1 or more");
  }
  if (options.seeds && options.module.empty())
    return rt::badInput("--delays: given without --module, whose kernel has "
                        "them");
  return options;
}

rt::Result<bool> runFar(const Options &options) {
  ATTN_TRY(const api::Engine engine, api::Engine::open(options.device));
  ATTN_TRY(const std::vector<std::string> faults,
           checkFar(engine, options.target, options.schedule));
  for (const std::string &fault : faults)
    std::printf("WRONG: %s\n", fault.c_str());
  if (faults.empty())
    std::printf("tensors above 4 GiB on %s: right\n",
                engine.device().info().selector().c_str());
  return faults.empty();
}

rt::Result<bool> run(const Options &options) {
  std::string module;
  if (!options.module.empty()) {
    std::ifstream file(options.module);
    module.assign(std::istreambuf_iterator<char>(file), {});
    if (module.empty())
      return rt::notFound("module: cannot read " + options.module);
  }
  ATTN_TRY(const api::Engine engine, api::Engine::open(options.device));
  int64_t right = 0, wrong = 0, refused = 0, groups = 0, lacking = 0;
  std::vector<Group> all = allGroups();
  if (options.seeds)
    for (Group &wide : wideGroups())
      all.push_back(std::move(wide));
  for (size_t i = 0; i < all.size(); ++i) {
    Group group = all[i];
    if (group.name.find(options.group) == std::string::npos)
      continue;
    if (!options.without.empty() &&
        group.name.find(options.without) != std::string::npos)
      continue;
    ++groups;
    ATTN_CHECK(
        grid::apply(group.regions, options.templates, group.description));
    if (!module.empty())
      group.description.module = module;
    const std::vector<Call> calls = options.seeds ? racingCalls(options.packed)
                                    : options.packed
                                        ? packedCalls(i, options.packed)
                                        : callsOf(i, options.device != "cpu");
    Seeds seeds = {1, (options.seeds + int64_t(calls.size()) - 1) /
                          int64_t(calls.size())};
    for (const Call &call : calls) {
      const std::string name = group.name + "/" + call.name();
      auto fault = check(engine, group, call, options, seeds);
      seeds.first += seeds.count;
      if (!fault && lacks(group, fault.error())) {
        ++lacking;
        --groups;
        break;
      }
      if (!fault) {
        ++refused;
        std::printf("%s: %s\n", name.c_str(), fault.error().text.c_str());
      } else if (!fault->empty()) {
        ++wrong;
        std::printf("%s: WRONG: %s\n", name.c_str(), fault->c_str());
      } else {
        ++right;
      }
      std::fflush(stdout);
    }
  }
  std::printf("%lld variants of %lld groups on %s, %lld kernels: %lld right, "
              "%lld wrong, %lld refused, %lld groups not of this target\n",
              (long long)(right + wrong + refused), (long long)groups,
              engine.device().info().selector().c_str(),
              (long long)(engine.compiles() - lacking), (long long)right,
              (long long)wrong, (long long)refused, (long long)lacking);
  return right > 0 && !wrong && !refused;
}
} // namespace

int main(int argc, char **argv) {
  auto options = read(argc, argv);
  if (options && options->list) {
    for (const Group &group : allGroups())
      std::printf("%s\n", group.name.c_str());
    return 0;
  }
  auto done = options ? (options->far ? runFar(*options) : run(*options))
                      : rt::Result<bool>(options.takeError());
  if (!done) {
    std::fprintf(stderr, "attn-grid: %s\n", done.error().text.c_str());
    return done.error().exitCode();
  }
  return *done ? 0 : 1;
}
