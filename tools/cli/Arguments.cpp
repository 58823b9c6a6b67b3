// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// argv normalisation and error output.
#include "tools/cli/Arguments.h"
#include "runtime/Printable.h"
#include "runtime/store/local/CacheRoot.h"
#include "tools/cli/Numbers.h"

#include <algorithm>
#include <cstdio>
#include <map>

using namespace attn_jit;
using namespace attn_jit::cli;

static std::string underscored(std::string name) {
  std::ranges::replace(name, '-', '_');
  return name;
}

std::vector<std::string>
cli::normalise(const std::vector<std::string> &arguments,
               const CLI::App &command) {
  std::map<std::string, std::string> known;
  for (const CLI::Option *option : command.get_options()) {
    const auto &names = option->get_lnames();
    for (const std::string &name : names)
      known[underscored(name)] = "--" + name;
    for (const std::string &name : option->get_snames())
      known.emplace(name, names.empty() ? "-" + name : "--" + names.front());
  }
  std::vector<std::string> result;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string &word = arguments[i];
    const bool twoDashes = word.rfind("--", 0) == 0;
    const size_t dashes = twoDashes ? 2 : 1;
    const size_t equals = word.find('=');
    auto found =
        word.size() > dashes && word[0] == '-' && word[dashes] != '-'
            ? known.find(underscored(word.substr(dashes, equals - dashes)))
            : known.end();
    if (found == known.end()) {
      result.push_back(word);
      continue;
    }
    const std::string rest =
        equals == std::string::npos ? "" : word.substr(equals);
    result.push_back(found->second + rest);
    if (!rest.empty())
      continue;
    const bool last = i + 1 == arguments.size();
    // The old tool's flags whose values may be left out.
    if (found->second == "--causal" && (last || !isBoolWord(arguments[i + 1])))
      result.push_back("true");
    if (found->second == "--metric" && (last || arguments[i + 1][0] == '-'))
      result.push_back("throughput");
  }
  return result;
}

/// How many letters are to be put in, taken away, changed or swapped.
static size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1,
                                     std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i)
    for (size_t j = 0; j <= b.size(); ++j) {
      if (!i || !j) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1,
                          d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

std::string cli::unknownWord(const std::string &word, const CLI::App &command) {
  std::string help = "--help";
  for (const CLI::App *each = &command; each; each = each->get_parent())
    help = each->get_name() + " " + help;
  if (word.empty() || word[0] != '-')
    return "argument: " + rt::inQuotes(word) +
           " given, allowed: flags and their values, see " + help;
  const size_t start = std::min(word.find_first_not_of('-'), word.size());
  const std::string name =
      underscored(word.substr(start, word.find('=') - start).substr(0, 64));
  // A third of the letters may be wrong.
  std::multimap<size_t, std::string> near;
  for (const CLI::Option *option : command.get_options())
    for (const std::string &known : option->get_lnames()) {
      const std::string own = underscored(known);
      const size_t off = distance(name, own);
      const bool begun = name.size() > 2 && own.rfind(name, 0) == 0;
      if (begun || 3 * off <= std::max(name.size(), own.size()))
        near.emplace(begun ? 0 : off, "--" + known);
    }
  std::string list;
  size_t count = 0;
  for (const auto &[off, known] : near)
    if (count++ < 3)
      list += (list.empty() ? "" : ", ") + known;
  return "flag: " + rt::inQuotes(word) + " given, allowed: " +
         (list.empty() ? "see " + help : list + "; " + help + " tells all");
}

void cli::noticeStore() {
  if (const auto notice = store::noticeOnce(store::findCacheRoot()))
    std::fprintf(stderr, "attn-jit: %s\n", rt::printable(*notice, 500).c_str());
}

int cli::report(const rt::Error &error) {
  std::string line = error.text;
  for (char &c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  std::fprintf(stderr, "attn-jit: %s\n", line.c_str());
  if (!error.repro.empty())
    std::fprintf(stderr, "  to see it again: %s\n", error.repro.c_str());
  if (!error.log.empty())
    std::fprintf(stderr, "%s\n", error.log.c_str());
  return error.exitCode();
}
