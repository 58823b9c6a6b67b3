// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The command: finds the subcommand, hands it its flags. Exit code 0 well, 1
// the machine or a kernel failed, 2 what was given cannot be.
#include "runtime/Printable.h"
#include "tools/cli/Arguments.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>

using namespace attn_jit;

/// The innermost command that is meant by \p words, behind whose names they
/// go on at \p at.
static const CLI::App &
meant(const CLI::App &root, const std::vector<std::string> &words, size_t &at) {
  const CLI::App *command = &root;
  for (at = 0; at < words.size(); ++at) {
    const CLI::App *next = nullptr;
    for (const CLI::App *each : command->get_subcommands({}))
      if (each->get_name() == words[at])
        next = each;
    if (!next)
      break;
    command = next;
  }
  return *command;
}

/// CLI11's words, made into field, given, allowed where they are not.
static std::string textOf(const CLI::ParseError &error, const CLI::App &root,
                          const std::vector<std::string> &arguments) {
  std::string text = rt::printable(error.what(), 500);
  if (error.get_name() == "ArgumentMismatch") {
    const size_t name = text.find_first_not_of('-');
    const bool repeated = text.find("At Most") != std::string::npos;
    return text.substr(name, text.find(':') - name) +
           (repeated ? ": given more than once, allowed: once"
                     : ": nothing given, allowed: a value");
  }
  size_t at;
  const CLI::App &command = meant(root, arguments, at);
  // Its name is the command's, so only the code tells this error.
  if (error.get_exit_code() == int(CLI::ExitCodes::ExtrasError))
    if (const auto rest = command.remaining(); !rest.empty())
      return cli::unknownWord(rest.front(), command);
  if (error.get_name() != "RequiredError")
    return text;
  std::string commands;
  for (const CLI::App *each : command.get_subcommands({}))
    if (!each->get_group().empty()) // a user's
      commands += (commands.empty() ? "" : ", ") + each->get_name();
  return "command: " +
         (at == arguments.size() ? "nothing" : rt::inQuotes(arguments[at])) +
         " given, allowed: " + commands;
}

static int runCommand(const std::vector<std::string> &arguments) {
  CLI::App root("attn-jit makes attention kernels at run time: described, "
                "compiled, launched, checked and timed.",
                "attn-jit");
  root.set_version_flag("--version", "attn-jit " ATTN_JIT_VERSION);
  root.require_subcommand(1);
  std::string line = "attn-jit";
  for (const std::string &word : arguments)
    line += " " + word;
  int status = 0;
  cli::addBench(root, status, line);
  cli::addCache(root, status);
  cli::addCompile(root, status);
  cli::addDevices(root, status);
  cli::addSchedules(root, status);
  cli::addTune(root, status);
  root.footer("attn-jit COMMAND --help tells the flags of each.");

  size_t at;
  const CLI::App &command = meant(root, arguments, at);
  const auto flags = arguments.begin() + ptrdiff_t(at);
  std::vector<std::string> words(arguments.begin(), flags);
  if (at)
    std::ranges::copy(cli::normalise({flags, arguments.end()}, command),
                      std::back_inserter(words));
  else
    words = arguments;
  std::ranges::reverse(words); // as CLI11 wants them
  try {
    root.parse(std::move(words));
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return root.exit(error);
    return cli::report(rt::badInput(textOf(error, root, arguments)));
  }
  return status;
}

int main(int argc, char **argv) {
  try {
    return runCommand({argv + 1, argv + argc});
  } catch (const std::exception &exception) {
    std::fprintf(stderr, "attn-jit: %s\n", exception.what());
    return 1;
  }
}
