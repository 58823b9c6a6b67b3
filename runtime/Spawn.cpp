// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/Spawn.h"
#include "runtime/Printable.h"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::rt;

extern "C" char **environ;

static std::vector<char *> pointersTo(const std::vector<std::string> &words) {
  std::vector<char *> pointers;
  pointers.reserve(words.size() + 1);
  for (const std::string &word : words)
    pointers.push_back(const_cast<char *>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

namespace {
/// What posix_spawn is to do in the child, in its order.
class Actions {
public:
  explicit Actions(const SpawnOptions &options) {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    if (options.talk >= 0)
      posix_spawn_file_actions_adddup2(&files, options.talk, STDIN_FILENO);
    else
      posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
                                       O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO,
                                     options.errors.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (options.talk >= 0)
      posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDOUT_FILENO);
    else if (options.outputToErrors)
      posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    else
      posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null",
                                       O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    if (!options.ownSession)
      return;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                       POSIX_SPAWN_SETSIGDEF);
  }
  Actions(const Actions &) = delete;
  ~Actions() {
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
  }
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
};
} // namespace

Result<pid_t> rt::spawn(const std::vector<std::string> &command,
                        const SpawnOptions &options) {
  const Actions actions(options);
  const auto words = pointersTo(command);
  const auto environment = options.environment
                               ? pointersTo(*options.environment)
                               : std::vector<char *>();
  pid_t process = 0;
  const int fault = posix_spawn(
      &process, words[0], &actions.files, &actions.how, words.data(),
      options.environment ? environment.data() : environ);
  if (fault)
    return failed(command[0] + " does not start, with its errors into " +
                  inQuotes(options.errors) + ": " + std::strerror(fault));
  return process;
}
