// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a started program has of the one that starts it.
#include "runtime/Spawn.h"
#include "TestDevice.h"
#include "tensor/TemporaryFolder.h"

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::rt::test;

namespace {

class Spawn : public testing::Test {
protected:
  std::string errors() const { return folder.file("errors"); }
  std::string said() const {
    std::ifstream file(errors());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// Its exit code.
  int shell(const std::string &script, rt::SpawnOptions options) {
    options.errors = errors();
    const auto child = rt::spawn({"/bin/sh", "-c", script}, options);
    if (!child)
      return -1;
    int status = 0;
    EXPECT_EQ(waitpid(*child, &status, 0), *child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
  }
  test::TemporaryFolder folder;
};

TEST_F(Spawn, HasNoneOfTheOpenFilesAndNothingToRead) {
  // Above those that a shell opens for itself, and not O_CLOEXEC.
  const int open = fcntl(STDERR_FILENO, F_DUPFD, 100);
  ASSERT_GE(open, 100);
  EXPECT_EQ(shell("[ -e /proc/$$/fd/" + std::to_string(open) +
                      " ] && echo open >&2; cat >&2; echo lost",
                  {}),
            0);
  EXPECT_EQ(said(), "");
  close(open);
}

TEST_F(Spawn, OutputGoesWithTheErrorsWhereThatIsAsked) {
  rt::SpawnOptions options;
  options.outputToErrors = true;
  EXPECT_EQ(shell("echo out; echo err >&2; exit 3", options), 3);
  EXPECT_EQ(said(), "out\nerr\n");
}

TEST_F(Spawn, HasTheEnvironmentThatItIsGiven) {
  const std::vector<std::string> environment = {"ONE=1"};
  rt::SpawnOptions options;
  options.environment = &environment;
  EXPECT_EQ(shell("echo $ONE$HOME >&2", options), 0);
  EXPECT_EQ(said(), "1\n");
}

TEST_F(Spawn, TalksThroughOneDescriptor) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  rt::SpawnOptions options;
  options.talk = ends[1];
  ASSERT_EQ(write(ends[0], "word\n", 5), 5);
  EXPECT_EQ(shell("read x && echo $x and back", options), 0);
  close(ends[1]);
  char text[64] = {};
  EXPECT_EQ(read(ends[0], text, sizeof text), 14);
  EXPECT_EQ(std::string(text), "word and back\n");
  close(ends[0]);
}

TEST_F(Spawn, IsASessionOfItsOwnWithEverySignalAsAtTheStart) {
  const auto before = signal(SIGTERM, SIG_IGN);
  rt::SpawnOptions options;
  const char *script =
      "[ \"$(cut -d' ' -f6 /proc/$$/stat)\" = $$ ] && echo own >&2;"
      "kill -TERM $$; echo ignored >&2";
  EXPECT_EQ(shell(script, options), 0);
  EXPECT_EQ(said(), "ignored\n");
  options.ownSession = true;
  EXPECT_EQ(shell(script, options), -2);
  EXPECT_EQ(said(), "own\n");
  signal(SIGTERM, before);
}

TEST_F(Spawn, SaysWhyNothingStarts) {
  const auto child = rt::spawn({"/none"}, {.errors = errors()});
  ASSERT_FALSE(child);
  EXPECT_TRUE(child.error().text.starts_with("/none does not start, "));
  EXPECT_TRUE(child.error().text.ends_with("': No such file or directory"));
}

} // namespace
