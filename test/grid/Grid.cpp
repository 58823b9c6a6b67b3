// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The differential grid: every variant on one device against the
// double-precision reference, which shares no mask or region code with the
// compiler.
//   attn-grid [--device D] [--target T] [--schedule S] [--group TEXT]
//             [--module FILE] [--templates DIR] [--list] [--far]
// --target compiles for another chip than the device's own, --group runs the
// groups whose name holds TEXT; --module takes their kernel from a file of tile
// or attn IR; --far checks tensors above 4 GiB alone. Exit code: 0 all right, 1
// one is wrong, 2 can not run.
#include "test/grid/Check.h"
#include "test/grid/Variants.h"
#include "tools/bench/Tensors.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

using namespace attn_jit;
using namespace attn_jit::grid;
using bench::DeviceTensor;

namespace {
struct Options {
  std::string device = "cpu", target, schedule, group, module,
              templates = ATTN_JIT_TEMPLATES;
  bool list = false, far = false;
};

/// Some score regions make scores of hundreds out of normal data: in f32 these
/// have the limit of the adversarial kinds.
rt::Result<double> limitOf(rt::DType type, const Call &call,
                           const Regions &regions) {
  const bool score = !regions.score.empty() || !regions.scoreFile.empty();
  const std::optional<double> limit = rt::tolerance(
      type,
      score && type == rt::DType::F32 ? rt::InputKind::MaxStair : call.inputs);
  if (!limit)
    return rt::failed("no tolerance is known for this type");
  return *limit;
}

bool isUnwritten(const rt::HostTensor &tensor) {
  for (int64_t b = 0; b < tensor.dim(0); ++b)
    for (int64_t h = 0; h < tensor.dim(1); ++h)
      for (int64_t i = 0; i < tensor.dim(2) * tensor.dim(3); ++i)
        if (!std::isnan(tensor.load(
                tensor.at(b, h, i / tensor.dim(3), i % tensor.dim(3)))))
          return false;
  return true;
}

/// What is wrong with one call; empty when nothing is. Behind the last row of
/// each tensor lies one of NaN, which no kernel may read or write.
rt::Result<std::string> check(const api::Engine &engine, const Group &group,
                              const Call &call, const Options &options) {
  const api::Description &what = group.description;
  const rt::DType type = bench::hostType(what.element);
  const std::vector<unsigned> order = bench::memoryOrder(what.layout);
  auto guarded = [&](int64_t heads, int64_t rows,
                     int64_t dim) -> rt::Result<rt::HostTensor> {
    ATTN_TRY(
        rt::HostTensor tensor,
        rt::HostTensor::zeros(type, {call.batch, heads, rows + 1, dim}, order));
    rt::markUnwritten(tensor);
    return tensor;
  };
  ATTN_TRY(const rt::HostTensor queryRows,
           guarded(call.queryHeads, call.queryLen, what.headDim));
  ATTN_TRY(const rt::HostTensor keyRows,
           guarded(call.kvHeads, call.kvLen, what.headDim));
  ATTN_TRY(const rt::HostTensor valueRows,
           guarded(call.kvHeads, call.kvLen, what.valueDim));
  ATTN_TRY(rt::HostTensor outRows,
           guarded(call.queryHeads, call.queryLen, what.valueDim));
  rt::AttentionProblem problem;
  problem.query = queryRows.slice(2, 0, call.queryLen);
  problem.key = keyRows.slice(2, 0, call.kvLen);
  problem.value = valueRows.slice(2, 0, call.kvLen);
  ATTN_TRY(rt::HostTensor lse,
           rt::HostTensor::zeros(rt::DType::F32,
                                 {call.batch, call.queryHeads, call.queryLen}));
  rt::InputOptions inputs;
  inputs.kind = call.inputs;
  ATTN_CHECK(rt::fillInputs(problem.query, problem.key, problem.value, inputs));
  rt::markUnwritten(lse);
  problem.scale = 1 / std::sqrt(double(what.headDim));
  problem.causal = what.causal;
  problem.causalAlign = bench::referenceAlign(what.align);
  problem.softcap = what.softcap;
  if (group.regions.describe)
    group.regions.describe(problem);

  const rt::Device &device = engine.device();
  ATTN_TRY(DeviceTensor q, DeviceTensor::upload(device, queryRows));
  ATTN_TRY(DeviceTensor k, DeviceTensor::upload(device, keyRows));
  ATTN_TRY(DeviceTensor v, DeviceTensor::upload(device, valueRows));
  ATTN_TRY(DeviceTensor o, DeviceTensor::upload(device, outRows));
  ATTN_TRY(DeviceTensor l, DeviceTensor::upload(device, lse));
  rt::AttentionArguments arguments;
  arguments.batch = call.batch;
  arguments.qHeads = call.queryHeads, arguments.kvHeads = call.kvHeads;
  arguments.qLen = call.queryLen, arguments.kvLen = call.kvLen;
  arguments.scale = problem.scale;
  arguments.q = q.argument, arguments.k = k.argument;
  arguments.v = v.argument, arguments.o = o.argument;
  if (what.lse)
    arguments.lse = l.argument;
  arguments.captured = group.regions.captured;
  api::KernelOptions wanted;
  wanted.target = options.target;
  wanted.schedule = options.schedule;
  wanted.kvLen = call.kvLen;
  ATTN_TRY(auto kernel, engine.kernel(what, wanted));
  ATTN_TRY(rt::Stream stream, device.createStream());
  ATTN_CHECK(kernel->launch(arguments, stream));
  ATTN_CHECK(stream.synchronize());
  ATTN_CHECK(o.buffer.copyTo(outRows.data(), outRows.spanBytes()));
  if (!isUnwritten(outRows.slice(2, call.queryLen, 1)))
    return std::string("rows beyond q_len were written");
  ATTN_CHECK(l.buffer.copyTo(lse.data(), lse.spanBytes()));

  ATTN_TRY(rt::ReferenceResult reference,
           rt::referenceForward(problem, rt::rowsWithin(problem, 1e8)));
  ATTN_TRY(rt::Comparison compared,
           rt::compareOutput(outRows.slice(2, 0, call.queryLen), reference));
  ATTN_TRY(const double limit, limitOf(type, call, group.regions));
  if (!compared.passes(limit))
    return rt::toText(compared);
  if (!what.lse)
    return std::string();
  ATTN_TRY(rt::Comparison sums, rt::compareLse(lse, reference));
  if (sums.unwritten || sums.nonFinite ||
      !(sums.relError <= 1e-4 || sums.maxAbsError <= 1e-4))
    return "lse: " + rt::toText(sums);
  return std::string();
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
    std::string *to = flag == "--device"      ? &options.device
                      : flag == "--target"    ? &options.target
                      : flag == "--schedule"  ? &options.schedule
                      : flag == "--group"     ? &options.group
                      : flag == "--module"    ? &options.module
                      : flag == "--templates" ? &options.templates
                                              : nullptr;
    if (!to)
      return rt::badInput(flag + ": given, allowed: --device, --target, "
                                 "--schedule, --group, --module, --templates, "
                                 "--list, --far");
    if (++i == argc)
      return rt::badInput(flag + ": nothing given");
    *to = argv[i];
  }
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
  const bool host = engine.device().info().driver == "host";
  int64_t right = 0, wrong = 0, refused = 0, groups = 0;
  const std::vector<Group> all = allGroups();
  for (size_t i = 0; i < all.size(); ++i) {
    Group group = all[i];
    if (group.name.find(options.group) == std::string::npos)
      continue;
    // Matrix units multiply 16-bit types.
    if (!host && group.description.element == api::Element::F32)
      continue;
    ++groups;
    ATTN_CHECK(
        grid::apply(group.regions, options.templates, group.description));
    if (!module.empty())
      group.description.module = module;
    for (const Call &call : callsOf(i, options.device != "cpu")) {
      const std::string name = group.name + "/" + call.name();
      auto fault = check(engine, group, call, options);
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
              "%lld wrong, %lld refused\n",
              (long long)(right + wrong + refused), (long long)groups,
              engine.device().info().selector().c_str(),
              (long long)engine.compiles(), (long long)right, (long long)wrong,
              (long long)refused);
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
