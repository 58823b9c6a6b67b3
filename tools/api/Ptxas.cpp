// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs ptxas on files of a temporary folder that is gone afterwards, unless it
// fails: then the PTX stays for the command that reproduces the fault.
#include "tools/api/Ptxas.h"
#include "runtime/File.h"
#include "runtime/Spawn.h"
#include "runtime/TemporaryFolder.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::api;

std::string api::findPtxas() {
  if (const char *own = secure_getenv("ATTN_JIT_PTXAS"))
    return access(own, X_OK) == 0 ? own : "";
  std::vector<std::string> folders;
  if (const char *path = secure_getenv("PATH")) {
    std::string_view rest = path;
    while (!rest.empty()) {
      const size_t colon = std::min(rest.find(':'), rest.size());
      folders.emplace_back(rest.substr(0, colon));
      rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
  }
  if (const char *home = secure_getenv("CUDA_HOME"))
    folders.push_back(std::string(home) + "/bin");
  folders.push_back("/usr/local/cuda/bin");
  for (const std::string &folder : folders) {
    const std::string file = folder + "/ptxas";
    if (folder.starts_with('/') && access(file.c_str(), X_OK) == 0)
      return file;
  }
  return "";
}

static std::string readAll(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

namespace attn_jit::api {
struct ToolRun {
  /// False: it is not wanted any more.
  static bool begin(RunningTool *tool, pid_t child) {
    if (!tool)
      return true;
    (void)setpriority(PRIO_PROCESS, id_t(child), 19);
    const std::lock_guard lock(tool->mutex);
    tool->process = child;
    return !tool->ended;
  }
  static void end(RunningTool *tool, pid_t child) {
    if (!tool)
      return;
    // Not reaped yet, so that nobody kills a stranger of the same number.
    siginfo_t info;
    while (waitid(P_PID, id_t(child), &info, WEXITED | WNOWAIT) != 0 &&
           errno == EINTR)
      ;
    const std::lock_guard lock(tool->mutex);
    tool->process = 0;
  }
};
} // namespace attn_jit::api

void RunningTool::kill() {
  const std::lock_guard lock(mutex);
  ended = true;
  if (process)
    ::kill(process, SIGKILL);
}

/// The exit status; both outputs go to `log`.
static int runTool(const std::vector<std::string> &command,
                   const std::string &log, RunningTool *running = nullptr) {
  // The program may change its own environment meanwhile.
  const std::vector<std::string> none;
  rt::SpawnOptions options;
  options.errors = log, options.outputToErrors = true;
  options.environment = running ? &none : nullptr;
  const auto child = rt::spawn(command, options);
  if (!child)
    return 127;
  if (!ToolRun::begin(running, *child))
    ::kill(*child, SIGKILL);
  ToolRun::end(running, *child);
  int status = 0;
  if (waitpid(*child, &status, 0) < 0)
    return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

PtxasReport api::readPtxasLog(std::string_view log) {
  PtxasReport report;
  const std::string text(log);
  std::smatch found;
  if (std::regex_search(text, found, std::regex("Used ([0-9]+) registers")))
    report.registers = std::stoll(found[1]);
  if (std::regex_search(text, found, std::regex("([0-9]+) bytes smem")))
    report.sharedBytes = std::stoll(found[1]);
  if (std::regex_search(text, found,
                        std::regex("([0-9]+) bytes spill stores, ([0-9]+) "
                                   "bytes spill loads")))
    report.spills = std::stoll(found[1]) + std::stoll(found[2]);
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find('\n', start), text.size());
    std::string line = text.substr(start, end - start);
    // C75xx: wgmma was made to wait for its operands.
    if (line.find("warning") != std::string::npos ||
        line.find("(C75") != std::string::npos)
      report.warnings.push_back(std::move(line));
    start = end + 1;
  }
  return report;
}

/// In the temporary folder, or where the tool's files lie.
static rt::Result<rt::TemporaryFolder> folderFor(const RunningTool *running) {
  return rt::TemporaryFolder::make("attn-jit-ptxas-",
                                   running ? running->folder : std::string());
}

std::string api::ptxasVersion(const std::string &ptxas, RunningTool *running) {
  // Never destroyed: a thread may ask while the process ends.
  static auto &mutex = *new std::mutex;
  static auto &versions = *new std::map<std::string, std::string>;
  const std::lock_guard lock(mutex);
  const auto [found, fresh] = versions.try_emplace(ptxas, "ptxas");
  if (!fresh)
    return found->second;
  const auto folder = folderFor(running);
  if (!folder)
    return found->second;
  const std::string log = folder->file("log");
  runTool({ptxas, "--version"}, log, running);
  const std::string text = readAll(log);
  std::smatch release;
  if (std::regex_search(text, release, std::regex("release ([0-9.]+)")))
    found->second = "ptxas " + release[1].str();
  return found->second;
}

rt::Result<Assembled> api::assemble(const std::string &ptxas,
                                    std::string_view ptx,
                                    const std::string &target, bool keepFault,
                                    RunningTool *running) {
  ATTN_TRY(rt::TemporaryFolder folder, folderFor(running));
  const std::string source = folder.file("kernel.ptx"),
                    cubin = folder.file("kernel.cubin"),
                    log = folder.file("log");
  ATTN_CHECK(rt::writeFile(source, ptx));
  const std::vector<std::string> command = {ptxas, "-v",  "-arch=" + target,
                                            "-o",  cubin, source};
  if (const int status = runTool(command, log, running); status != 0) {
    rt::Error fault = rt::failed("ptxas: ended with code " +
                                 std::to_string(status) + " for " + target);
    fault.log = readAll(log);
    if (!keepFault)
      return fault;
    folder.keep();
    for (const std::string &word : command)
      fault.repro += (fault.repro.empty() ? "" : " ") + word;
    return fault;
  }
  Assembled result;
  result.cubin = readAll(cubin);
  result.report = readPtxasLog(readAll(log));
  result.report.version = ptxasVersion(ptxas, running);
  return result;
}
