// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A description's values as text: their names, and the region that softcap
// stands for.
#include "tools/api/Description.h"
#include "runtime/Printable.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <initializer_list>
#include <utility>

using namespace attn_jit;
using namespace attn_jit::api;

rt::Result<std::string> api::scoreRegion(const Description &description) {
  const double cap = description.softcap;
  if (cap == 0)
    return description.score;
  char text[512];
  if (!(cap >= leastFactor && cap <= mostFactor)) {
    std::snprintf(text, sizeof text,
                  "softcap: %g given, allowed: 0 (none), or %g to %g", cap,
                  leastFactor, mostFactor);
    return rt::badInput(text);
  }
  if (!description.score.empty())
    return rt::badInput("score: given beside softcap; write one region");
  std::snprintf(text, sizeof text,
                "^bb0(%%s: f32, %%b: i32, %%h: i32, %%q: i32, %%kv: i32):\n"
                "  %%cap = arith.constant %.17e : f32\n"
                "  %%share = arith.divf %%s, %%cap : f32\n"
                "  %%bent = math.tanh %%share : f32\n"
                "  %%score = arith.mulf %%bent, %%cap : f32\n"
                "  attn.yield %%score : f32\n",
                double(float(cap)));
  return std::string(text);
}

std::string api::identity(const Description &d) {
  char cap[40];
  std::snprintf(cap, sizeof cap, "%a", d.softcap);
  std::string text =
      std::to_string(d.headDim) + " " + std::to_string(d.valueDimOrHead()) +
      " " + std::string(name(d.element)) + " " +
      std::string(name(d.precision)) + " " + std::string(name(d.align)) +
      (d.causal ? " causal" : "") + (d.lse ? " lse" : "") + " " + cap;
  // With its length each, so that no two lists of texts are one.
  for (const std::string *each : {&d.score, &d.mask, &d.module})
    text += " " + std::to_string(each->size()) + ":" + *each;
  return text;
}

std::string api::labelledText(const Description &d) {
  char cap[40];
  std::snprintf(cap, sizeof cap, "%.17g", d.softcap);
  std::string text;
  auto add = [&](const char *label, std::string_view value) {
    text += (text.empty() ? "" : " ") + std::string(label) + "=";
    text += value;
  };
  add("head_dim", std::to_string(d.headDim));
  add("value_dim", std::to_string(d.valueDimOrHead()));
  add("dtype", name(d.element));
  add("precision", name(d.precision));
  add("align", name(d.align));
  add("causal", d.causal ? "yes" : "no");
  add("lse", d.lse ? "yes" : "no");
  add("softcap", cap);
  for (const auto &[label, region] :
       {std::pair{"score", &d.score}, {"mask", &d.mask}, {"module", &d.module}})
    add(label, std::to_string(region->size()) + ":" + *region);
  return text;
}

namespace {
/// Takes labelled values off a text, in their order.
class LabelledReader {
public:
  explicit LabelledReader(std::string_view text) : rest(text) {}

  std::string_view word(std::string_view label) {
    take(std::string(label) + "=");
    const std::string_view value = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), value.size() + 1));
    return value;
  }
  template <typename T> T number(std::string_view label) {
    const std::string_view value = word(label);
    T number{};
    const auto [end, code] =
        std::from_chars(value.data(), value.data() + value.size(), number);
    good &= code == std::errc() && end == value.data() + value.size();
    return number;
  }
  /// "3:abc"
  std::string counted(std::string_view label) {
    take(std::string(label) + "=");
    size_t count = 0;
    const auto [end, code] =
        std::from_chars(rest.data(), rest.data() + rest.size(), count);
    rest.remove_prefix(size_t(end - rest.data()));
    take(":");
    good &= code == std::errc() && count <= rest.size();
    const std::string value(rest.substr(0, good ? count : 0));
    rest.remove_prefix(std::min(rest.size(), value.size() + 1));
    return value;
  }
  bool good = true;

private:
  void take(std::string_view begin) {
    good &= rest.starts_with(begin);
    rest.remove_prefix(std::min(rest.size(), begin.size()));
  }
  std::string_view rest;
};
} // namespace

std::optional<Description> api::readLabelledText(std::string_view text) {
  LabelledReader from(text);
  Description d;
  d.headDim = from.number<int64_t>("head_dim");
  d.valueDim = from.number<int64_t>("value_dim");
  const auto element = parseElement(from.word("dtype"));
  const auto precision = parsePrecision(from.word("precision"));
  const auto align = parseAlign(from.word("align"));
  d.causal = from.word("causal") == "yes";
  d.lse = from.word("lse") == "yes";
  d.softcap = from.number<double>("softcap");
  for (const auto &[label, region] :
       {std::pair{"score", &d.score}, {"mask", &d.mask}, {"module", &d.module}})
    *region = from.counted(label);
  if (!from.good || !element || !precision || !align)
    return std::nullopt;
  d.element = *element, d.precision = *precision, d.align = *align;
  return labelledText(d) == text ? std::optional(d) : std::nullopt;
}

int64_t api::elementBytes(Element element) {
  return element == Element::F32 ? 4 : 2;
}

int64_t api::denseAlignment(const Description &description) {
  const int64_t bytes = elementBytes(description.element);
  int64_t alignment = 16;
  for (int64_t dim : {description.headDim, description.valueDimOrHead()})
    while (dim * bytes % alignment)
      alignment /= 2;
  return alignment;
}

std::string_view api::name(Element element) {
  switch (element) {
  case Element::F32:
    return "f32";
  case Element::F16:
    return "f16";
  case Element::BF16:
    return "bf16";
  }
  return "?";
}

std::string_view api::name(Layout layout) {
  return layout == Layout::BSHD ? "bshd" : "bhsd";
}

std::string_view api::name(Align align) {
  return align == Align::BottomRight ? "bottom_right" : "top_left";
}

std::string_view api::name(Precision precision) {
  return precision == Precision::IEEE ? "ieee" : "tf32";
}

static rt::Error refused(std::string_view field, std::string_view given,
                         std::string_view allowed) {
  return rt::badInput(std::string(field) + ": " + rt::inQuotes(given) +
                      " given, allowed: " + std::string(allowed));
}

static bool isOneOf(std::string_view text,
                    std::initializer_list<std::string_view> names) {
  for (std::string_view name : names)
    if (name == text)
      return true;
  return false;
}

rt::Result<Element> api::parseElement(std::string_view text) {
  std::string_view plain = text;
  if (plain.substr(0, 6) == "torch.")
    plain.remove_prefix(6);
  if (isOneOf(plain, {"f32", "fp32", "float32", "float"}))
    return Element::F32;
  if (isOneOf(plain, {"f16", "fp16", "float16", "half"}))
    return Element::F16;
  if (isOneOf(plain, {"bf16", "bfloat16"}))
    return Element::BF16;
  return refused("dtype", text, "fp16, bf16, fp32");
}

rt::Result<Layout> api::parseLayout(std::string_view text) {
  if (isOneOf(text, {"bshd", "BSHD", "NHD"}))
    return Layout::BSHD;
  if (isOneOf(text, {"bhsd", "BHSD", "HND"}))
    return Layout::BHSD;
  return refused("layout", text, "bshd, bhsd");
}

rt::Result<Align> api::parseAlign(std::string_view text) {
  if (isOneOf(text, {"bottom_right", "bottom-right"}))
    return Align::BottomRight;
  if (isOneOf(text, {"top_left", "top-left"}))
    return Align::TopLeft;
  return refused("causal-align", text, "bottom-right, top-left");
}

rt::Result<Precision> api::parsePrecision(std::string_view text) {
  for (Precision each : {Precision::IEEE, Precision::TF32})
    if (text == name(each))
      return each;
  return refused("precision", text, "ieee, tf32");
}
