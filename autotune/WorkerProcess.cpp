// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A socket pair rather than pipes: a write to a dead child is an error there,
// not a signal.
#include "autotune/WorkerProcess.h"
#include "runtime/Spawn.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

using namespace attn_jit;
using namespace attn_jit::tune;

/// No honest answer is longer.
static constexpr size_t kLongestLine = 1 << 20;

rt::Result<WorkerProcess>
WorkerProcess::start(const std::vector<std::string> &command,
                     const std::string &errors) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return rt::failed(std::string("worker: no socket pair: ") +
                      std::strerror(errno));
  WorkerProcess made;
  made.socket = ends[0];
  made.errorFile = errors;
  rt::SpawnOptions options;
  options.talk = ends[1], options.errors = errors;
  const auto child = rt::spawn(command, options);
  close(ends[1]);
  if (!child)
    return rt::failed("worker: " + child.error().text);
  made.child = *child;
  return made;
}

WorkerProcess::WorkerProcess(WorkerProcess &&other) noexcept {
  *this = std::move(other);
}

WorkerProcess &WorkerProcess::operator=(WorkerProcess &&other) noexcept {
  std::swap(child, other.child);
  std::swap(socket, other.socket);
  received.swap(other.received);
  errorFile.swap(other.errorFile);
  return *this;
}

WorkerProcess::~WorkerProcess() { (void)end(); }

void WorkerProcess::say(const std::string &line) {
  const std::string whole = line + "\n";
  size_t sent = 0;
  while (sent < whole.size()) {
    const ssize_t count =
        send(socket, whole.data() + sent, whole.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return;
    sent += size_t(count);
  }
}

WorkerProcess::Heard WorkerProcess::hear(std::string &line,
                                         double limitSeconds) {
  using Clock = std::chrono::steady_clock;
  const auto deadline =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(
                         std::chrono::duration<double>(limitSeconds));
  while (true) {
    const size_t end = received.find('\n');
    if (end != std::string::npos) {
      line = received.substr(0, end);
      received.erase(0, end + 1);
      return Heard::Line;
    }
    if (received.size() > kLongestLine)
      return Heard::Death;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - Clock::now());
    pollfd waited = {socket, POLLIN, 0};
    const int ready = poll(&waited, 1, int(std::max<int64_t>(left.count(), 0)));
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready == 0)
      return Heard::Silence;
    char part[4096];
    const ssize_t count = recv(socket, part, sizeof part, 0);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return Heard::Death;
    received.append(part, size_t(count));
  }
}

static std::string lastLine(const std::string &path) {
  std::ifstream file(path);
  std::string line, last;
  while (std::getline(file, line))
    if (!line.empty())
      last = line.substr(0, 500);
  return last;
}

WorkerProcess::End WorkerProcess::end() {
  if (socket >= 0)
    close(std::exchange(socket, -1));
  if (child < 0)
    return {"it had ended"};
  // One that closed its end is about to say how it ended; one that hangs never
  // does.
  int status = 0;
  pid_t reaped = 0;
  for (int i = 0; i < 50 && reaped == 0; ++i) {
    reaped = waitpid(child, &status, WNOHANG);
    if (reaped == 0)
      usleep(10000);
  }
  const bool byItself = reaped != 0;
  if (!byItself) {
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  child = -1;
  std::string text = WIFSIGNALED(status)
                         ? "signal " + std::to_string(WTERMSIG(status)) + " (" +
                               strsignal(WTERMSIG(status)) + ")"
                         : "exit code " + std::to_string(WEXITSTATUS(status));
  const std::string said = lastLine(errorFile);
  return {said.empty() ? text : text + ": " + said,
          byItself && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL};
}
