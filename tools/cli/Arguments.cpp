// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// argv normalisation and error output.
#include "tools/cli/Arguments.h"
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
