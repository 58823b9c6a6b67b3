// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strict parsing of the numeric flags.
#include "tools/bench/Numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

using namespace attn_jit;
using namespace attn_jit::bench;

/// What was given, short and printable enough for one line.
static std::string shown(std::string_view text) {
  std::string safe;
  for (unsigned char c : text.substr(0, 60))
    safe += c >= 0x20 && c < 0x7f ? char(c) : '?';
  return "'" + safe + (text.size() > 60 ? "...'" : "'");
}

static rt::Error refused(std::string_view field, std::string_view text,
                         const std::string &allowed) {
  return rt::badInput(std::string(field) + ": " + shown(text) +
                      " given, allowed: " + allowed);
}

rt::Result<int64_t> bench::parseInteger(std::string_view field,
                                        std::string_view text, int64_t least,
                                        int64_t most) {
  int64_t value = 0;
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end || value < least ||
      value > most)
    return refused(field, text,
                   "an integer from " + std::to_string(least) + " to " +
                       std::to_string(most));
  return value;
}

std::vector<std::string> bench::splitList(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos)
      return parts;
    text.remove_prefix(comma + 1);
  }
}

rt::Result<std::vector<int64_t>> bench::parseIntegers(std::string_view field,
                                                      std::string_view text,
                                                      int64_t least,
                                                      int64_t most) {
  std::vector<int64_t> values;
  for (const std::string &part : splitList(text)) {
    ATTN_TRY(const int64_t value, parseInteger(field, part, least, most));
    values.push_back(value);
  }
  return values;
}

rt::Result<double> bench::parseReal(std::string_view field,
                                    std::string_view text, double least,
                                    bool above) {
  double value = 0;
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end ||
      !std::isfinite(value) || value < least || (above && value == least)) {
    char bound[32];
    std::snprintf(bound, sizeof bound, "%g", least);
    return refused(field, text,
                   std::string("a finite number ") +
                       (above ? "above " : "from ") + bound);
  }
  return value;
}

static constexpr std::string_view kTrue[] = {"yes", "true", "True", "t",
                                             "y",   "1",    "on"};
static constexpr std::string_view kFalse[] = {"no", "false", "False", "f",
                                              "n",  "0",     "off"};

bool bench::isBoolWord(std::string_view text) {
  return std::ranges::find(kTrue, text) != std::end(kTrue) ||
         std::ranges::find(kFalse, text) != std::end(kFalse);
}

rt::Result<bool> bench::parseBool(std::string_view field,
                                  std::string_view text) {
  if (!isBoolWord(text))
    return refused(field, text, "true, false");
  return std::ranges::find(kTrue, text) != std::end(kTrue);
}
