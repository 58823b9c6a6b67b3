// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The names of a description's values, read and written.
#include "tools/api/Description.h"

#include <initializer_list>

using namespace attn_jit;
using namespace attn_jit::api;

int64_t api::elementBytes(Element element) {
  return element == Element::F32 ? 4 : 2;
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

static rt::Error refused(std::string_view field, std::string_view given,
                         std::string_view allowed) {
  return rt::badInput(std::string(field) + ": '" + std::string(given) +
                      "' given, allowed: " + std::string(allowed));
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
