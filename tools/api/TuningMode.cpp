// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/TuningMode.h"
#include "runtime/Printable.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

using namespace attn_jit;
using namespace attn_jit::api;

static bool readNumber(std::string_view text, double least, double most,
                       double &to) {
  const char *end = text.data() + text.size();
  double number = 0;
  const auto [last, fault] = std::from_chars(text.data(), end, number);
  if (fault != std::errc() || last != end || !(number >= least) ||
      !(number <= most))
    return false;
  to = number;
  return true;
}

rt::Result<TuningMode> TuningMode::parse(const std::string &field,
                                         const std::string &text) {
  TuningMode mode;
  if (text == "off")
    return mode;
  std::string_view rest = text;
  bool good = rest.substr(0, rest.find(',')) == "background";
  rest.remove_prefix(std::min(rest.find(','), rest.size()));
  while (good && !rest.empty()) {
    rest.remove_prefix(1);
    std::string_view option = rest.substr(0, rest.find(','));
    rest.remove_prefix(option.size());
    const size_t equals = option.find('=');
    const std::string_view name = option.substr(0, equals);
    option.remove_prefix(std::min(equals, option.size() - 1) + 1);
    good = name == "share" ? readNumber(option, 0.01, 1, mode.share)
           : name == "budget"
               ? readNumber(option, 1, 604800, mode.budgetSeconds)
           : name == "schedules"
               ? readNumber(option, 1, 1 << 20, mode.schedules) &&
                     mode.schedules == std::floor(mode.schedules)
               : false;
  }
  if (!good)
    return rt::badInput(field + ": " + rt::inQuotes(text) +
                        " given, allowed: off, or background with "
                        ",share=0.01 to 1, ,budget=1 to 604800 seconds and "
                        ",schedules=1 to 1048576");
  mode.background = true;
  return mode;
}

rt::Result<TuningMode> TuningMode::ofEnvironment() {
  const char *text = std::getenv("ATTN_JIT_TUNE");
  return text && *text ? parse("ATTN_JIT_TUNE", text) : TuningMode();
}
