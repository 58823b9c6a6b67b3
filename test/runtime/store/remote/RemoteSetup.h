// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arguments of the programs that test a remote which is already there:
//
//   PROGRAM [--url=URL] [--secret=TEXT] [--empty=COMMAND] [--records=refused]
//     [--evicts] [--hostile=BEHAVIOUR=URL]...
//
// Without a URL it is a folder of its own. --empty is a shell command that
// takes everything from the server; --evicts says that the server is small and
// forgets objects for it; each --hostile is a server that behaves badly, and no
// error may show --secret.
#ifndef ATTN_JIT_TEST_RUNTIME_STORE_REMOTE_REMOTESETUP_H
#define ATTN_JIT_TEST_RUNTIME_STORE_REMOTE_REMOTESETUP_H

#include "runtime/store/remote/Remote.h"

#include "test/runtime/tensor/TemporaryFolder.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <optional>

namespace attn_jit::store::test {

struct Setup {
  std::string url, secret, empty;
  bool recordsRefused = false, evicts = false;
  std::vector<std::pair<std::string, std::string>> hostile;
};
inline Setup setup;

/// A parameter of a suite over setup.hostile, which InitGoogleTest asks for
/// when the arguments have been read.
using HostileServer = std::pair<std::string, std::string>;
inline std::vector<HostileServer> hostileServers() { return setup.hostile; }
inline std::string
behaviourName(const testing::TestParamInfo<HostileServer> &info) {
  return info.param.first;
}

inline Deadline in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}
inline Deadline soon() { return in(std::chrono::seconds(10)); }

template <typename T> T must(rt::Result<T> result) {
  if (!result)
    throw std::runtime_error(result.error().text);
  return std::move(*result);
}
inline void must(const rt::Status &status) {
  if (!status)
    throw std::runtime_error(status.error().text);
}

/// main() of such a program.
inline int runOverRemote(int argc, char **argv) {
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    auto value = [&](std::string_view flag) -> std::optional<std::string> {
      if (!argument.starts_with(flag))
        return std::nullopt;
      return std::string(argument.substr(flag.size()));
    };
    if (auto url = value("--url="))
      setup.url = *url;
    else if (auto secret = value("--secret="))
      setup.secret = *secret;
    else if (auto empty = value("--empty="))
      setup.empty = *empty;
    else if (argument == "--records=refused")
      setup.recordsRefused = true;
    else if (argument == "--evicts")
      setup.evicts = true;
    else if (auto hostile = value("--hostile=")) {
      const size_t split = std::min(hostile->find('='), hostile->size() - 1);
      setup.hostile.emplace_back(hostile->substr(0, split),
                                 hostile->substr(split + 1));
    } else
      argv[kept++] = argv[i];
  }
  argc = kept;
  std::optional<attn_jit::test::TemporaryFolder> own;
  if (setup.url.empty()) {
    own.emplace();
    setup.url = "file://" + own->path.string();
  }
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) {
    fprintf(stderr, "unknown argument: %s\n", argv[1]);
    return 2;
  }
  return RUN_ALL_TESTS();
}

} // namespace attn_jit::store::test

#endif // ATTN_JIT_TEST_RUNTIME_STORE_REMOTE_REMOTESETUP_H
