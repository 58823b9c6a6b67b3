// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// dtype x head dims x mask x layout give the groups; head counts, lengths and
// inputs give the calls.
#include "test/grid/Variants.h"

#include <algorithm>

using namespace attn_jit;
using namespace attn_jit::grid;

std::string Call::name() const {
  return "b" + std::to_string(batch) + "-hq" + std::to_string(queryHeads) +
         "-hk" + std::to_string(kvHeads) + "-sq" + std::to_string(queryLen) +
         "-sk" + std::to_string(kvLen) + "-" + std::string(rt::name(inputs));
}

namespace {
struct Dims {
  int64_t head, value;
  bool lse;
};
} // namespace

static Group groupOf(api::Element element, Dims d, const std::string &mask,
                     api::Layout layout) {
  Group group;
  api::Description &what = group.description;
  what.element = element;
  what.headDim = d.head;
  what.valueDim = d.value;
  what.lse = d.lse;
  what.causal = mask == "causal" || mask == "top-left";
  if (mask == "top-left")
    what.align = api::Align::TopLeft;
  if (mask == "softcap")
    what.softcap = 2;
  what.layout = layout;
  group.name = std::string(name(element)) + "-d" + std::to_string(d.head) +
               (d.value == d.head ? "" : "-dv" + std::to_string(d.value)) +
               "-" + mask + "-" + std::string(name(layout));
  return group;
}

std::vector<Group> grid::allGroups() {
  const Dims dims[] = {{64, 64, true},   {128, 128, false}, {32, 32, false},
                       {64, 128, false}, {96, 48, false},   {72, 40, true}};
  std::vector<Group> groups;
  auto add = [&](api::Element element, Dims d, const std::string &mask) {
    // Layouts take turns, so that each dtype and mask meets both.
    groups.push_back(
        groupOf(element, d, mask,
                groups.size() / 2 % 2 ? api::Layout::BHSD : api::Layout::BSHD));
  };
  for (api::Element element :
       {api::Element::F32, api::Element::F16, api::Element::BF16}) {
    for (const Dims &d : dims)
      for (const char *mask : {"full", "causal"})
        add(element, d, mask);
    add(element, {64, 64, false}, "softcap");
    add(element, {32, 32, true}, "top-left");
  }
  const size_t plain = groups.size();
  for (api::Element element : {api::Element::F32, api::Element::F16})
    for (Regions &regions : allRegions()) {
      // Two widths: one of few query tiles a workgroup, one of several.
      add(element, groups.size() % 3 ? dims[0] : dims[1], regions.name);
      groups.back().regions = std::move(regions);
    }
  for (size_t i = 0; i < plain; ++i) {
    if (groups[i].description.element != api::Element::F32)
      continue;
    Group group = groups[i];
    group.description.precision = api::Precision::TF32;
    group.name = "t" + group.name;
    groups.push_back(std::move(group));
  }
  return groups;
}

std::vector<Group> grid::wideGroups() {
  std::vector<Group> groups;
  for (const char *mask : {"full", "causal"})
    groups.push_back(
        groupOf(api::Element::F16, {256, 256, true}, mask, api::Layout::BSHD));
  return groups;
}

/// Half of them normal: what the tolerances are for.
static void chooseInputs(size_t group, std::vector<Call> &calls) {
  const std::vector<rt::InputKind> &kinds = rt::allInputKinds();
  for (size_t i = 0; i < calls.size(); ++i)
    calls[i].inputs =
        i % 2 ? kinds[(group + i / 2) % kinds.size()] : rt::InputKind::Normal;
}

std::vector<Call> grid::callsOf(size_t group, bool manyProcessors) {
  std::vector<Call> calls = {
      {1, 2, 2, 1, 1, {}},       {2, 4, 2, 1, 1000, {}},
      {1, 3, 1, 17, 17, {}},     {2, 2, 1, 17, 129, {}},
      {1, 4, 4, 129, 129, {}},   {1, 6, 2, 129, 17, {}},
      {1, 2, 1, 1000, 1000, {}}, {1, 2, 2, 1000, 129, {}},
      {3, 1, 1, 64, 128, {}},    {1, 4, 1, 127, 193, {}},
      {2, 2, 1, 129, 0, {}}};
  if (manyProcessors) {
    calls.push_back({1, 144, 9, 200, 230, {}});
    calls.push_back({1, 2, 1, 100, 5000, {}}); // sums drift with their length
  }
  chooseInputs(group, calls);
  return calls;
}

static void limitKeyHeads(std::vector<Call> &calls, int64_t packedHeads) {
  for (Call &call : calls)
    call.kvHeads = std::min(call.kvHeads, call.queryHeads / packedHeads);
}

std::vector<Call> grid::packedCalls(size_t group, int64_t heads) {
  std::vector<Call> calls = {
      {1, 8, 1, 1, 1, {}},     {2, 8, 2, 1, 1000, {}},  {1, 8, 1, 5, 33, {}},
      {2, 8, 2, 17, 129, {}},  {1, 8, 2, 129, 129, {}}, {1, 8, 1, 129, 17, {}},
      {1, 8, 2, 333, 333, {}}, {2, 16, 1, 65, 64, {}},  {1, 8, 1, 127, 193, {}},
      {2, 8, 2, 97, 0, {}},    {3, 64, 8, 200, 230, {}}};
  limitKeyHeads(calls, heads);
  chooseInputs(group, calls);
  return calls;
}

std::vector<Call> grid::racingCalls(int64_t packedHeads) {
  std::vector<Call> calls = {{2, 8, 2, 129, 700, {}},
                             {1, 8, 1, 333, 333, {}},
                             {24, 64, 2, 3, 230, {}},
                             {4, 48, 6, 130, 97, {}}};
  limitKeyHeads(calls, std::max<int64_t>(packedHeads, 1));
  return calls;
}
