// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/ChildProcess.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::api;

static std::vector<char *> pointersTo(const std::vector<std::string> &words) {
  std::vector<char *> pointers;
  pointers.reserve(words.size() + 1);
  for (const std::string &word : words)
    pointers.push_back(const_cast<char *>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

rt::Result<ChildProcess>
ChildProcess::start(const std::vector<std::string> &command,
                    const std::vector<std::string> &environment,
                    const std::string &errors) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY,
                                   0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY,
                                   0);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, errors.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t none, usual;
  sigemptyset(&none);
  sigfillset(&usual);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setsigdefault(&how, &usual);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                     POSIX_SPAWN_SETSIGDEF);
  pid_t process = 0;
  const int fault =
      posix_spawn(&process, command[0].c_str(), &files, &how,
                  pointersTo(command).data(), pointersTo(environment).data());
  posix_spawnattr_destroy(&how);
  posix_spawn_file_actions_destroy(&files);
  if (fault)
    return rt::failed(command[0] + " does not start: " + std::strerror(fault));
  return ChildProcess(process);
}

ChildProcess::ChildProcess(ChildProcess &&other) noexcept
    : process(std::exchange(other.process, 0)) {}

std::optional<int> ChildProcess::ended() {
  if (!process)
    return -1;
  int status = 0;
  pid_t reaped;
  do
    reaped = waitpid(process, &status, WNOHANG);
  while (reaped < 0 && errno == EINTR);
  if (reaped == 0)
    return std::nullopt;
  process = 0;
  return reaped > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

ChildProcess::~ChildProcess() {
  if (!process || ended())
    return;
  kill(process, SIGTERM);
  for (int i = 0; i < 100; ++i) {
    if (ended())
      return;
    usleep(10000);
  }
  kill(-process, SIGKILL); // its session's
  int status;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
}
