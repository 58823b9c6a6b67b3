// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cases from flags or from captured files. Invariant: a case's shape, scale and
// mask are what is run, verified and reported; nothing is defaulted later.
#include "tools/bench/Case.h"

#include <cmath>

using namespace attn_jit;
using namespace attn_jit::bench;

rt::DType bench::hostType(api::Element element) {
  switch (element) {
  case api::Element::F32:
    return rt::DType::F32;
  case api::Element::F16:
    return rt::DType::F16;
  case api::Element::BF16:
    return rt::DType::BF16;
  }
  return rt::DType::F32;
}

std::vector<unsigned> bench::memoryOrder(api::Layout layout) {
  if (layout == api::Layout::BSHD)
    return {0, 2, 1, 3};
  return {0, 1, 2, 3};
}

static api::Description describeCase(const rt::AttentionShape &shape,
                                     api::Element element, api::Layout layout,
                                     const Options &options) {
  api::Description description;
  description.headDim = shape.headDim;
  description.valueDim = shape.valueDim;
  description.element = element;
  description.layout = layout;
  description.align = options.align;
  description.causal = shape.causal;
  description.lse = options.lse;
  description.score = softcapRegion(options.softcap);
  return description;
}

static rt::CausalAlign referenceAlign(api::Align align) {
  return align == api::Align::BottomRight ? rt::CausalAlign::BottomRight
                                          : rt::CausalAlign::TopLeft;
}

static std::vector<Case> madeCases(const Options &options) {
  std::vector<Case> cases;
  auto orElse = [](const std::vector<int64_t> &given, int64_t fallback) {
    return given.empty() ? std::vector<int64_t>{fallback} : given;
  };
  auto add = [&](const rt::AttentionShape &shape) {
    for (const api::Element element : options.elements)
      for (const rt::InputKind kind : options.inputs) {
        Case one;
        one.kind = kind;
        one.label = rt::name(kind);
        one.shape = shape;
        one.description = describeCase(shape, element, options.layout, options);
        one.scale = options.scale.value_or(1 / std::sqrt(shape.headDim));
        one.softcap = options.softcap;
        one.layout = api::name(options.layout);
        cases.push_back(std::move(one));
      }
  };
  rt::AttentionShape shape;
  shape.causal = options.causal.value_or(false);
  shape.causalAlign = referenceAlign(options.align);
  for (int64_t d : options.headDim)
    for (int64_t dv : orElse(options.valueDim, d))
      for (int64_t b : options.batch)
        for (int64_t hq : options.queryHeads)
          for (int64_t hk : orElse(options.kvHeads, hq))
            for (int64_t sq : options.queryLen)
              for (int64_t sk : orElse(options.kvLen, sq)) {
                shape.headDim = d, shape.valueDim = dv;
                shape.batch = b, shape.queryHeads = hq, shape.kvHeads = hk;
                shape.queryLen = sq, shape.kvLen = sk;
                add(shape);
              }
  return cases;
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

static rt::Result<Case> capturedCase(const std::string &path, int64_t index,
                                     const Options &options) {
  ATTN_TRY(const rt::CapturedInputs inputs, rt::readCapturedInputs(path));
  Case one;
  one.label = inputs.name;
  one.file = path;
  one.index = index;
  for (const auto &[key, value] : inputs.kwargs)
    one.kwargs += (one.kwargs.empty() ? "" : ", ") + key + "=" + value;
  ATTN_TRY(api::Element element, elementOf(inputs.query, path));
  for (const rt::HostTensor *other : {&inputs.key, &inputs.value})
    if (other->type() != inputs.query.type() && !options.convert)
      return rt::badInput(
          path + ": q is " + std::string(rt::name(inputs.query.type())) +
          ", k or v is " + std::string(rt::name(other->type())) +
          ", allowed: one dtype, or --dtype to convert to");
  one.layout =
      options.convert && *options.convert != element ? "bhsd" : inputs.layout;
  if (options.convert)
    element = *options.convert;
  const rt::HostTensor &q = inputs.query;
  rt::AttentionShape &shape = one.shape;
  shape.batch = q.dim(0), shape.queryHeads = q.dim(1);
  shape.queryLen = q.dim(2), shape.headDim = q.dim(3);
  shape.kvHeads = inputs.key.dim(1), shape.kvLen = inputs.key.dim(2);
  shape.valueDim = inputs.value.dim(3);
  const bool heed = !options.ignoreKwargs;
  shape.causal =
      options.causal.value_or(heed && inputs.isCausal.value_or(false));
  shape.causalAlign = referenceAlign(options.align);
  one.scale = 1 / std::sqrt(double(shape.headDim));
  if (options.scale)
    one.scale = *options.scale;
  else if (heed && inputs.scale)
    one.scale = *inputs.scale;
  if (!std::isfinite(one.scale) || one.scale <= 0)
    return rt::badInput(path + ": scale " + std::to_string(one.scale) +
                        " given, allowed: finite and above 0");
  one.softcap = options.softcap;
  one.description = describeCase(
      shape, element,
      one.layout == "bshd" ? api::Layout::BSHD : api::Layout::BHSD, options);
  return one;
}

rt::Result<std::vector<Case>> bench::listCases(const Options &options) {
  if (!options.loadCaptured)
    return madeCases(options);
  ATTN_TRY(const std::vector<std::string> paths,
           rt::listCapturedInputs(options.capturedDir));
  std::vector<Case> cases;
  for (const std::string &path : paths) {
    ATTN_TRY(Case one, capturedCase(path, int64_t(cases.size()), options));
    cases.push_back(std::move(one));
  }
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
