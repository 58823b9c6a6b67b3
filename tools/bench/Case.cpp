// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cases from flags or from captured files. Invariant: a case's shape, scale and
// mask are what is run, verified and reported; nothing is defaulted later.
#include "tools/bench/Case.h"
#include "tools/bench/Regions.h"
#include "tools/bench/Tensors.h"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>

using namespace attn_jit;
using namespace attn_jit::bench;

/// What of a case is not its shape: the options' traits and regions.
static Case startCase(const Options &options, const KnownRegions &regions) {
  Case one;
  one.description = options.traits;
  one.softcap = regions.softcap;
  one.unverifiable = regions.unverifiable();
  one.pairsKnown = regions.maskKnown;
  return one;
}

/// Once shape, dtype and layout stand. A hand-written causal mask counts as one
/// for the reference, and stays a region for the compiler.
static void finishCase(Case &one, api::Element element, bool causal,
                       api::Align align, const KnownRegions &regions) {
  one.shape.causal = causal || regions.causal;
  one.shape.causalAlign = referenceAlign(align);
  one.description.headDim = one.shape.headDim;
  one.description.valueDim = one.shape.valueDim;
  one.description.element = element;
  one.description.causal = causal;
  one.description.align = align;
}

static std::vector<Case> madeCases(const Options &options,
                                   const KnownRegions &regions) {
  std::vector<Case> cases;
  auto orElse = [](const std::vector<int64_t> &given, int64_t fallback) {
    return given.empty() ? std::vector<int64_t>{fallback} : given;
  };
  auto add = [&](const rt::AttentionShape &shape) {
    for (const api::Element element : options.elements)
      for (const rt::InputKind kind : options.inputs) {
        Case one = startCase(options, regions);
        one.kind = kind;
        one.label = rt::name(kind);
        one.shape = shape;
        one.scale = options.scale.value_or(1 / std::sqrt(shape.headDim));
        one.layout = api::name(options.traits.layout);
        finishCase(one, element, options.causal.value_or(false),
                   options.align.value_or(api::Align::BottomRight), regions);
        cases.push_back(std::move(one));
      }
  };
  rt::AttentionShape shape;
  const cli::Sizes &sizes = options.sizes;
  for (int64_t d : sizes.headDim)
    for (int64_t dv : orElse(sizes.valueDim, d))
      for (int64_t b : sizes.batch)
        for (int64_t hq : sizes.queryHeads)
          for (int64_t hk : orElse(sizes.kvHeads, hq))
            for (int64_t sq : sizes.queryLen)
              for (int64_t sk : orElse(sizes.kvLen, sq)) {
                shape.headDim = d, shape.valueDim = dv;
                shape.batch = b, shape.queryHeads = hq, shape.kvHeads = hk;
                shape.queryLen = sq, shape.kvLen = sk;
                add(shape);
              }
  return cases;
}

api::KernelOptions Case::kernelOptions(const Options &options) const {
  rt::AttentionArguments a;
  a.batch = shape.batch, a.qHeads = shape.queryHeads;
  a.kvHeads = shape.kvHeads;
  a.qLen = shape.queryLen, a.kvLen = shape.kvLen;
  a.q = a.k = {0, shape.headDim, shape.headDim, shape.headDim};
  a.v = a.o = {0, shape.valueDim, shape.valueDim, shape.valueDim};
  api::KernelOptions wanted;
  wanted.schedule = options.schedule;
  wanted.alignment =
      api::alignmentOf(a, api::elementBytes(description.element));
  wanted.typical = typicalCall(options.deterministic);
  return wanted;
}

static rt::Result<api::Element> elementOf(const rt::HostTensor &tensor,
                                          const std::string &path) {
  switch (tensor.type()) {
  case rt::DType::F32:
    return api::Element::F32;
  case rt::DType::F16:
    return api::Element::F16;
  case rt::DType::BF16:
    return api::Element::BF16;
  default:
    return rt::badInput(path + ": dtype " +
                        std::string(rt::name(tensor.type())) +
                        " given, allowed: f16, bf16, f32");
  }
}

/// The dtypes of a file's rows: those asked for, else its own.
static rt::Result<std::vector<api::Element>>
elementsOf(const rt::CapturedInputs &inputs, const std::string &path,
           const Options &options) {
  if (!options.elements.empty())
    return options.elements;
  for (const rt::HostTensor *other : {&inputs.key, &inputs.value})
    if (other->type() != inputs.query.type())
      return rt::badInput(
          path + ": q is " + std::string(rt::name(inputs.query.type())) +
          ", k or v is " + std::string(rt::name(other->type())) +
          ", allowed: one dtype, or --dtype to convert to");
  ATTN_TRY(const api::Element own, elementOf(inputs.query, path));
  return std::vector{own};
}

static rt::AttentionShape shapeOf(const rt::CapturedInputs &inputs) {
  rt::AttentionShape shape;
  const rt::HostTensor &q = inputs.query;
  shape.batch = q.dim(0), shape.queryHeads = q.dim(1);
  shape.queryLen = q.dim(2), shape.headDim = q.dim(3);
  shape.kvHeads = inputs.key.dim(1), shape.kvLen = inputs.key.dim(2);
  shape.valueDim = inputs.value.dim(3);
  return shape;
}

/// What one captured file says of the call, and what flags say over it.
static rt::Status readCall(const rt::CapturedInputs &inputs,
                           const Options &options, Case &one, bool &causal,
                           api::Align &align) {
  const bool heed = !options.ignoreKwargs;
  const bool captured = heed && inputs.isCausal.value_or(false);
  causal = options.causal.value_or(captured);
  const bool torchs = causal && captured && inputs.causalIsTorch;
  align = options.align.value_or(torchs ? api::Align::TopLeft
                                        : api::Align::BottomRight);
  // The same mask, and by the name that other inputs' kernels have.
  if (!options.align && one.shape.queryLen == one.shape.kvLen)
    align = api::Align::BottomRight;
  one.scale = 1 / std::sqrt(double(one.shape.headDim));
  if (options.scale)
    one.scale = *options.scale;
  else if (heed && inputs.scale)
    one.scale = *inputs.scale;
  if (!(one.scale >= api::leastFactor && one.scale <= api::mostFactor)) {
    char text[96];
    std::snprintf(text, sizeof text, ": scale %g given, allowed: %g to %g",
                  one.scale, api::leastFactor, api::mostFactor);
    return rt::badInput(one.file + text);
  }
  return rt::success();
}

static rt::Status addCaptured(const std::string &path, int64_t index,
                              const Options &options,
                              const KnownRegions &regions,
                              std::vector<Case> &cases) {
  ATTN_TRY(const rt::CapturedInputs inputs, rt::readCapturedInputs(path));
  ATTN_TRY(const api::Element own, elementOf(inputs.query, path));
  ATTN_TRY(const std::vector<api::Element> elements,
           elementsOf(inputs, path, options));
  for (const api::Element element : elements) {
    Case one = startCase(options, regions);
    one.label = inputs.name;
    one.file = path;
    one.index = index;
    for (const auto &[key, value] : inputs.kwargs)
      one.kwargs += (one.kwargs.empty() ? "" : ", ") + key + "=" + value;
    one.shape = shapeOf(inputs);
    bool causal = false;
    api::Align align = api::Align::BottomRight;
    ATTN_CHECK(readCall(inputs, options, one, causal, align));
    // A conversion writes its result densely.
    one.layout = element == own ? inputs.layout : "bhsd";
    one.description.layout =
        one.layout == "bshd" ? api::Layout::BSHD : api::Layout::BHSD;
    finishCase(one, element, causal, align, regions);
    cases.push_back(std::move(one));
  }
  return rt::success();
}

/// A label names a row and its saved output: files of one stem get their
/// endings back.
static void tellApart(std::vector<Case> &cases) {
  std::map<std::string, std::set<std::string>> files;
  for (const Case &one : cases)
    files[one.label].insert(one.file);
  for (Case &one : cases)
    if (files[one.label].size() > 1)
      one.label += std::filesystem::path(one.file).extension().string();
}

rt::Result<std::vector<Case>> bench::listCases(const Options &options) {
  ATTN_TRY(const KnownRegions regions, recognise(options.traits));
  if (!options.loadCaptured)
    return madeCases(options, regions);
  ATTN_TRY(const std::vector<std::string> paths,
           rt::listCapturedInputs(options.capturedDir));
  std::vector<Case> cases;
  for (size_t i = 0; i < paths.size(); ++i)
    ATTN_CHECK(addCaptured(paths[i], int64_t(i), options, regions, cases));
  tellApart(cases);
  return cases;
}

/// Does a dense row-major copy stay, or is a fresh conversion wanted?
static rt::Result<rt::HostTensor> asType(const rt::HostTensor &tensor,
                                         rt::DType type) {
  if (tensor.type() != type)
    return tensor.convert(type);
  if (tensor.stride(3) == 1 || tensor.dim(3) == 1)
    return tensor;
  // No kernel reads a head dim with gaps; the copy is ours, not timed.
  return tensor.contiguous();
}

rt::Result<CaseTensors> bench::loadTensors(const Case &one,
                                           const Options &options) {
  CaseTensors tensors;
  const rt::DType type = hostType(one.description.element);
  if (!one.file.empty()) {
    ATTN_TRY(const rt::CapturedInputs inputs, rt::readCapturedInputs(one.file));
    ATTN_TRY(tensors.query, asType(inputs.query, type));
    ATTN_TRY(tensors.key, asType(inputs.key, type));
    ATTN_TRY(tensors.value, asType(inputs.value, type));
    return tensors;
  }
  const rt::AttentionShape &s = one.shape;
  const std::vector<unsigned> order = memoryOrder(one.description.layout);
  ATTN_TRY(tensors.query,
           rt::HostTensor::zeros(
               type, {s.batch, s.queryHeads, s.queryLen, s.headDim}, order));
  ATTN_TRY(tensors.key,
           rt::HostTensor::zeros(type, {s.batch, s.kvHeads, s.kvLen, s.headDim},
                                 order));
  ATTN_TRY(tensors.value,
           rt::HostTensor::zeros(
               type, {s.batch, s.kvHeads, s.kvLen, s.valueDim}, order));
  rt::InputOptions inputs;
  inputs.kind = one.kind;
  inputs.seed = options.seed;
  inputs.scale = one.scale;
  ATTN_CHECK(rt::fillInputs(tensors.query, tensors.key, tensors.value, inputs));
  return tensors;
}
