// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tools/api/ChildProcess.h"
#include "runtime/Spawn.h"

#include <cerrno>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::api;

rt::Result<ChildProcess>
ChildProcess::start(const std::vector<std::string> &command,
                    const std::vector<std::string> &environment,
                    const std::string &errors) {
  rt::SpawnOptions options;
  options.errors = errors, options.environment = &environment;
  options.ownSession = true;
  ATTN_TRY(const pid_t process, rt::spawn(command, options));
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
