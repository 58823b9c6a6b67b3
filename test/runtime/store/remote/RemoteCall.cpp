// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls on one remote, for the tests that bring their own server:
//
//   RemoteCall URL [PROPERTY=VALUE]... CALL[:ARGUMENT[:LINE]]...
//
// An object or action is named by its text, a problem by its name. Each call
// prints one line; one that ends later than 50 ms after its deadline is "late".
// Exit code 1 if a call failed, 2 if the remote does not open.
#include "runtime/store/remote/Remote.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace std::chrono_literals;

static std::string shown(const rt::Status &) { return "done"; }
static std::string shown(const rt::Result<bool> &found) {
  return *found ? "yes" : "no";
}
static std::string shown(const rt::Result<std::string> &text) { return *text; }
static std::string shown(const rt::Result<std::optional<std::string>> &bytes) {
  return *bytes ? **bytes : "none";
}
static std::string shown(const rt::Result<std::vector<std::string>> &lines) {
  std::string text = std::to_string(lines->size());
  for (const std::string &line : *lines)
    text += " " + line;
  return text;
}
static std::string shown(const rt::Result<std::vector<Digest>> &problems) {
  return std::to_string(problems->size());
}

namespace {

struct Caller {
  std::unique_ptr<Remote> remote;
  std::chrono::milliseconds limit{10000};
  int failures = 0;

  template <typename Call> void say(std::string_view name, const Call &call) {
    const Deadline deadline = std::chrono::steady_clock::now() + limit;
    const auto result = call(deadline);
    const bool late = std::chrono::steady_clock::now() > deadline + 50ms;
    static const char *const codes[] = {"BadInput",    "OutOfMemory",
                                        "Unsupported", "NotFound",
                                        "Failed",      "Timeout"};
    const std::string text =
        result ? shown(result)
               : "error " + std::string(codes[int(result.error().code)]) +
                     ": " + result.error().text;
    failures += !result;
    printf("%s%s: %s\n", late ? "late " : "", std::string(name).c_str(),
           text.c_str());
    fflush(stdout);
  }

  bool run(std::string_view name, const std::string &argument,
           const std::string &line) {
    const Digest digest = sha256(argument);
    const bool action = name.ends_with("-action");
    const Space space = action ? Space::Actions : Space::Objects;
    const std::string_view what = name.substr(0, name.find('-'));
    if (what == "put")
      say(name, [&](Deadline deadline) {
        return remote->put(space, digest, action ? line : argument, deadline);
      });
    else if (what == "get")
      say(name, [&](Deadline deadline) {
        return remote->get(space, digest, deadline);
      });
    else if (what == "exists")
      say(name, [&](Deadline deadline) {
        return remote->exists(space, digest, deadline);
      });
    else if (what == "add")
      say(name, [&](Deadline deadline) {
        return remote->addRecords(digest, std::span(&line, 1), deadline);
      });
    else if (what == "records")
      say(name,
          [&](Deadline deadline) { return remote->records(digest, deadline); });
    else if (what == "problems")
      say(name, [&](Deadline deadline) { return remote->problems(deadline); });
    else if (what == "epoch")
      say(name, [&](Deadline deadline) { return remote->epoch(deadline); });
    else if (what == "refused")
      printf("refused: %s\n", remote->recordsRefused().c_str());
    else if (what == "fork")
      return fork(argument);
    else
      return false;
    return true;
  }

  /// In a child, which must not speak over the parent's connection.
  bool fork(const std::string &argument) {
    const pid_t child = ::fork();
    if (child == 0) {
      run("get", argument, {});
      remote.reset();
      _exit(failures);
    }
    int status = 0;
    waitpid(child, &status, 0);
    failures += status != 0;
    return true;
  }
};

} // namespace

int main(int argc, char **argv) {
  if (argc < 2)
    return 2;
  RemoteOptions options;
  options.url = argv[1];
  // A busy machine may take longer than the default for a TLS handshake.
  options.connect = 10s;
  Caller caller;
  int i = 2;
  for (; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const size_t equals = argument.find('=');
    if (equals == argument.npos || argument.find(':') < equals)
      break;
    const std::string_view name = argument.substr(0, equals);
    const std::string value(argument.substr(equals + 1));
    if (name == "prefix")
      options.prefix = value;
    else if (name == "authority")
      options.authority = value;
    else if (name == "certificate")
      options.certificate = value;
    else if (name == "key")
      options.key = value;
    else if (name == "deadline")
      caller.limit = std::chrono::milliseconds(std::atoll(value.c_str()));
    else if (name == "read-only")
      options.readOnly = true;
    else
      break;
  }
  auto remote = openRemote(options);
  if (!remote) {
    printf("open: %s\n", remote.error().text.c_str());
    return 2;
  }
  caller.remote = std::move(*remote);
  for (; i < argc; ++i) {
    const std::string_view call = argv[i];
    const size_t first = std::min(call.find(':'), call.size());
    const size_t second = std::min(call.find(':', first + 1), call.size());
    const auto part = [&](size_t from, size_t to) {
      return from < to ? std::string(call.substr(from, to - from))
                       : std::string();
    };
    if (!caller.run(call.substr(0, first), part(first + 1, second),
                    part(second + 1, call.size()))) {
      fprintf(stderr, "no such call: %s\n", argv[i]);
      return 2;
    }
  }
  return caller.failures ? 1 : 0;
}
