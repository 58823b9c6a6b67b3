// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The command: finds the subcommand, hands it its flags. Exit code 0 well, 1
// the machine or a kernel failed, 2 what was given cannot be.
#include "runtime/Printable.h"
#include "tools/cli/Arguments.h"

#include <algorithm>
#include <cstdio>
#include <exception>

using namespace attn_jit;

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
  // Its name is the command's, so only the code tells this error.
  if (error.get_exit_code() == int(CLI::ExitCodes::ExtrasError))
    for (const CLI::App *command : root.get_subcommands())
      if (const auto rest = command->remaining(); !rest.empty())
        return cli::unknownWord(rest.front(), *command);
  if (error.get_name() != "RequiredError")
    return text;
  std::string commands;
  for (const CLI::App *command : root.get_subcommands({}))
    if (!command->get_group().empty()) // a user's
      commands += (commands.empty() ? "" : ", ") + command->get_name();
  return "command: " +
         (arguments.empty() ? "nothing" : rt::inQuotes(arguments[0])) +
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
  cli::addCompile(root, status);
  cli::addDevices(root, status);
  cli::addSchedules(root, status);
  cli::addTune(root, status);
  root.footer("attn-jit COMMAND --help tells the flags of each.");

  std::vector<std::string> words = arguments;
  for (const CLI::App *command : root.get_subcommands({}))
    if (!words.empty() && command->get_name() == words[0]) {
      words.erase(words.begin());
      words = cli::normalise(words, *command);
      words.insert(words.begin(), arguments[0]);
      break;
    }
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
