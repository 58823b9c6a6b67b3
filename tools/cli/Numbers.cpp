// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strict parsing of flags.
#include "tools/cli/Numbers.h"
#include "runtime/Printable.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace attn_jit;
using namespace attn_jit::cli;
namespace fs = std::filesystem;

rt::Error cli::refused(std::string_view field, std::string_view text,
                       const std::string &allowed) {
  return rt::badInput(std::string(field) + ": " + rt::inQuotes(text) +
                      " given, allowed: " + allowed);
}

rt::Result<int64_t> cli::parseInteger(std::string_view field,
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

std::vector<std::string> cli::splitList(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos)
      return parts;
    text.remove_prefix(comma + 1);
  }
}

rt::Result<std::vector<int64_t>> cli::parseIntegers(std::string_view field,
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

rt::Result<double> cli::parseReal(std::string_view field, std::string_view text,
                                  double least, double most) {
  double value = 0;
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  // Written so that a NaN is out of every range.
  if (text.empty() || error != std::errc() || stop != end ||
      !(value >= least && value <= most)) {
    char range[64];
    std::snprintf(range, sizeof range, "a number from %g to %g", least, most);
    return refused(field, text, range);
  }
  return value;
}

rt::Result<std::string> cli::readText(std::string_view field,
                                      const std::string &path) {
  constexpr size_t kMost = size_t(16) << 20;
  // Before it is opened: a device may do something then.
  std::error_code unknown;
  const fs::file_type type = fs::status(path, unknown).type();
  if (fs::exists(fs::file_status(type)) && type != fs::file_type::regular &&
      type != fs::file_type::fifo)
    return refused(field, path, "a file or a pipe");
  std::ifstream file(path, std::ios::binary);
  std::string text;
  char part[65536];
  while (file && text.size() <= kMost) {
    file.read(part, sizeof part);
    text.append(part, size_t(file.gcount()));
  }
  if (text.size() > kMost)
    return refused(field, path, "at most 16 MiB of MLIR text");
  if (!file.eof())
    return rt::badInput(std::string(field) + ": " + rt::inQuotes(path) +
                        " given, which cannot be read");
  return text;
}

static constexpr std::string_view kTrue[] = {"yes", "true", "True", "t",
                                             "y",   "1",    "on"};
static constexpr std::string_view kFalse[] = {"no", "false", "False", "f",
                                              "n",  "0",     "off"};

bool cli::isBoolWord(std::string_view text) {
  return std::ranges::find(kTrue, text) != std::end(kTrue) ||
         std::ranges::find(kFalse, text) != std::end(kFalse);
}

rt::Result<bool> cli::parseBool(std::string_view field, std::string_view text) {
  if (!isBoolWord(text))
    return refused(field, text, "true, false");
  return std::ranges::find(kTrue, text) != std::end(kTrue);
}
