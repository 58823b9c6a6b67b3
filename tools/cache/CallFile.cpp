// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls from a file of rows as bench --json writes them (docs/commands.md):
// the whole of it, a list of rows, or one row a line. Of a row counts what says
// which attention it is; what was measured is passed over, and a key that bench
// does not write is refused.
#include "runtime/JsonDepth.h"
#include "runtime/Printable.h"
#include "tools/bench/Print.h"
#include "tools/bench/Regions.h"
#include "tools/cache/CallList.h"
#include "tools/cli/Numbers.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

using namespace attn_jit;
using namespace attn_jit::cache;
using Json = nlohmann::ordered_json;
using Text = cli::DescriptionText;

namespace {
enum class Kind { Integer, Number, Bool, Word };
struct Field {
  const char *key;
  std::string Text::*to;
  Kind kind;
  bool needed;
};
} // namespace

static constexpr Field fields[] = {
    {"batch", &Text::batch, Kind::Integer, false},
    {"q_heads", &Text::queryHeads, Kind::Integer, true},
    {"kv_heads", &Text::kvHeads, Kind::Integer, false},
    {"q_len", &Text::queryLen, Kind::Integer, true},
    {"kv_len", &Text::kvLen, Kind::Integer, false},
    {"head_dim", &Text::headDim, Kind::Integer, true},
    {"value_dim", &Text::valueDim, Kind::Integer, false},
    {"dtype", &Text::dtype, Kind::Word, false},
    {"precision", &Text::precision, Kind::Word, false},
    {"causal", &Text::causal, Kind::Bool, false},
    {"causal_align", &Text::causalAlign, Kind::Word, false},
    {"softcap", &Text::softcap, Kind::Number, false},
    {"score", &Text::scoreFile, Kind::Word, false},
    {"mask", &Text::maskFile, Kind::Word, false},
};

static rt::Error wrongField(const std::string &key, const char *given,
                            const char *allowed) {
  return rt::badInput(key + ": " + given + " given, allowed: " + allowed);
}

/// Null and absent are nothing.
static rt::Result<std::string> textOf(const Json &row, const char *key,
                                      Kind kind) {
  const auto found = row.find(key);
  if (found == row.end() || found->is_null())
    return std::string();
  switch (kind) {
  case Kind::Integer:
    if (!found->is_number_integer())
      return wrongField(key, "no integer", "an integer");
    return found->dump();
  case Kind::Number: {
    if (!found->is_number())
      return wrongField(key, "no number", "a number or null");
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", found->get<double>());
    return std::string(text);
  }
  case Kind::Bool:
    if (!found->is_boolean())
      return wrongField(key, "no bool", "true, false");
    return std::string(found->get<bool>() ? "true" : "false");
  case Kind::Word:
    break;
  }
  if (!found->is_string())
    return wrongField(key, "no text", "a text or null");
  return found->get<std::string>();
}

static rt::Result<bench::BenchText> readRow(const Json &row,
                                            const bench::BenchText &around) {
  if (!row.is_object())
    return rt::badInput("no object given, allowed: a row of bench --json");
  static const std::vector<std::string> known = bench::rowKeys();
  for (const auto &[key, value] : row.items())
    if (std::ranges::find(known, key) == known.end())
      return rt::badInput("key: " + rt::inQuotes(key) +
                          " given, allowed: those of rows of bench --json");
  bench::BenchText text;
  text.schedule = around.schedule;
  Text &d = text.description;
  d.deterministic = around.description.deterministic;
  for (const Field &field : fields) {
    ATTN_TRY(d.*field.to, textOf(row, field.key, field.kind));
    if (field.needed && (d.*field.to).empty())
      return wrongField(field.key, "nothing", "an integer");
  }
  ATTN_TRY(const std::string lse, textOf(row, "lse", Kind::Bool));
  d.lse = lse == "true";
  // A row tells what a region means, too, where bench knows it.
  if (!d.scoreFile.empty())
    d.softcap.clear();
  if (!d.maskFile.empty()) {
    Text region;
    region.maskFile = d.maskFile;
    region.causalAlign = d.causalAlign;
    ATTN_TRY(const api::Description mask, cli::readTraits(region));
    ATTN_TRY(const bench::KnownRegions regions, bench::recognise(mask));
    if (regions.causal)
      d.causal.clear();
  }
  return text;
}

static rt::Result<std::vector<Json>> rowsOf(const std::string &text) {
  if (rt::nestsTooDeep(text))
    return rt::badInput("too many levels given, allowed: rows");
  Json whole = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (whole.is_object() && whole.contains("rows"))
    whole = Json(whole["rows"]);
  if (whole.is_array())
    return std::vector<Json>(whole.begin(), whole.end());
  if (whole.is_object())
    return std::vector{std::move(whole)};
  std::vector<Json> rows;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos)
      continue;
    rows.push_back(Json::parse(line, nullptr, false));
    if (rows.back().is_discarded())
      return rt::badInput("no JSON given, allowed: what bench --json writes, "
                          "a list of its rows, or one a line");
  }
  return rows;
}

rt::Result<std::vector<ListedCall>> cache::callsOfFile(const CallText &text) {
  const std::string where = "from: " + rt::inQuotes(text.from) + ": ";
  auto named = [](const std::string &before, const rt::Error &error) {
    return rt::Error{error.code, before + error.text, {}};
  };
  ATTN_TRY(const std::string bytes, cli::readText("from", text.from));
  const auto rows = rowsOf(bytes);
  if (!rows)
    return named(where, rows.error());
  std::vector<ListedCall> calls;
  for (size_t i = 0; i < rows->size(); ++i) {
    const std::string at = where + "row " + std::to_string(i + 1) + ": ";
    const auto row = readRow((*rows)[i], text.bench);
    if (!row)
      return named(at, row.error());
    auto more = callsOfFlags(*row);
    if (!more)
      return named(at, more.error());
    std::ranges::move(*more, std::back_inserter(calls));
  }
  return calls;
}
