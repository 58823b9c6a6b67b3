// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every kind of remote must do, over one URL (RemoteSetup.h). Without one
// it is a folder.
#include "runtime/store/files/Random.h"

#include "test/runtime/store/remote/RemoteSetup.h"

#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;
using namespace std::chrono_literals;

namespace {

/// Each test has names of its own on the server.
class RemoteConformance : public testing::Test {
protected:
  void SetUp() override {
    options.url = setup.url;
    // What counts is the deadline: a busy machine may be slow to accept.
    options.connect = 10s;
    options.prefix = "conformance-" + randomHex(8);
  }
  std::unique_ptr<Remote> open() const { return must(openRemote(options)); }
  /// A second machine: its own connection.
  RemoteOptions options;
};

/// Skipped by name where the remote says that it keeps no records.
class RemoteRecords : public RemoteConformance {
protected:
  void SetUp() override {
    RemoteConformance::SetUp();
    if (setup.recordsRefused)
      GTEST_SKIP() << "it keeps no records";
  }
};

std::string bytesOf(size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  uint64_t state = seed * 0x9E3779B97F4A7C15ull + 1;
  for (char &byte : bytes) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    byte = char(state >> 56);
  }
  return bytes;
}

std::string line(int writer, int number) {
  return "{\"v\":1,\"writer\":" + std::to_string(writer) +
         ",\"number\":" + std::to_string(number) + "}";
}

std::set<std::string> setOf(const std::vector<std::string> &lines) {
  EXPECT_EQ(std::set(lines.begin(), lines.end()).size(), lines.size())
      << "a line came twice";
  return {lines.begin(), lines.end()};
}

TEST_F(RemoteConformance, WhatIsPutIsThereForOthers) {
  const auto writer = open(), reader = open();
  for (Space space : {Space::Objects, Space::Actions}) {
    const std::string bytes = "text of " + std::string(name(space));
    must(writer->put(space, sha256(bytes), bytes, soon()));
    EXPECT_TRUE(must(reader->exists(space, sha256(bytes), soon())));
    EXPECT_EQ(must(reader->get(space, sha256(bytes), soon())), bytes);
  }
}

TEST_F(RemoteConformance, WhatWasReadIsReplaced) {
  const auto one = open(), other = open();
  const Digest name = sha256("replaced");
  EXPECT_TRUE(
      must(one->replace(Space::Actions, name, std::nullopt, "first", soon())));
  EXPECT_TRUE(
      must(other->replace(Space::Actions, name, "first", "second", soon())));
  EXPECT_EQ(must(one->get(Space::Actions, name, soon())), "second");
}

/// Where a server compares and sets in one step, nobody's is lost; elsewhere
/// who writes looks whether it has stayed.
TEST_F(RemoteConformance, WhatIsReplacedByManyLosesNothingWhereItIsOneStep) {
  if (!setup.url.starts_with("redis"))
    GTEST_SKIP() << "it does not compare and set";
  const Digest name = sha256("by many");
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i)
    writers.emplace_back([&, i] {
      const auto remote = open();
      for (int done = 0; done < 20;) {
        const auto there = must(remote->get(Space::Actions, name, soon()));
        done +=
            must(remote->replace(Space::Actions, name, there,
                                 there.value_or("") + char('a' + i), soon()));
      }
    });
  for (std::thread &writer : writers)
    writer.join();
  EXPECT_EQ(must(open()->get(Space::Actions, name, soon()))->size(), 160u);
}

TEST_F(RemoteConformance, WhatIsAbsentIsNoError) {
  const auto remote = open();
  for (Space space : {Space::Objects, Space::Actions}) {
    EXPECT_EQ(must(remote->get(space, sha256("nobody put it"), soon())),
              std::nullopt);
    EXPECT_FALSE(must(remote->exists(space, sha256("nobody put it"), soon())));
  }
}

TEST_F(RemoteConformance, SpacesAreApart) {
  const auto remote = open();
  const std::string object = "object";
  must(remote->put(Space::Objects, sha256(object), object, soon()));
  EXPECT_FALSE(must(remote->exists(Space::Actions, sha256(object), soon())));
}

TEST_F(RemoteConformance, PutTwiceIsPutOnce) {
  const auto one = open(), other = open();
  const std::string bytes = bytesOf(5000, 1);
  for (int i = 0; i < 3; ++i) {
    must(one->put(Space::Objects, sha256(bytes), bytes, soon()));
    must(other->put(Space::Objects, sha256(bytes), bytes, soon()));
  }
  EXPECT_EQ(must(one->get(Space::Objects, sha256(bytes), soon())), bytes);
}

TEST_F(RemoteConformance, ActionMayBeSignedLater) {
  const auto remote = open();
  const Digest key = sha256("key");
  must(remote->put(Space::Actions, key, "body\n", soon()));
  must(remote->put(Space::Actions, key, "body\nsignature\n", soon()));
  EXPECT_EQ(must(remote->get(Space::Actions, key, soon())),
            "body\nsignature\n");
}

TEST_F(RemoteConformance, ActionsAreListedOrItIsSaidWhyNot) {
  const auto writer = open(), reader = open();
  const std::string object = "object";
  must(writer->put(Space::Objects, sha256(object), object, soon()));
  std::set<Digest> put;
  // More than a page: S3 lists a thousand at once.
  for (int i = 0; i < 1010; ++i) {
    const Digest key = sha256("key " + std::to_string(i));
    must(writer->put(Space::Actions, key, "body\n", soon()));
    put.insert(key);
  }
  const auto listed = reader->actions(soon());
  if (setup.recordsRefused) {
    ASSERT_FALSE(listed);
    EXPECT_EQ(listed.error().code, rt::ErrorCode::Unsupported);
    EXPECT_NE(listed.error().text.find("it cannot tell what it holds: "),
              std::string::npos)
        << listed.error().text;
    return;
  }
  ASSERT_TRUE(listed) << listed.error().text;
  EXPECT_EQ(std::set(listed->begin(), listed->end()), put);
  EXPECT_EQ(listed->size(), put.size());
}

TEST_F(RemoteConformance, BytesAreAnyBytes) {
  const auto remote = open();
  std::string all;
  for (int i = 0; i < 256; ++i)
    all += char(i);
  for (const std::string &bytes :
       {std::string(), std::string(1, '\0'), std::string("\r\n\r\n"),
        std::string("$5\r\nhello\r\n"), all}) {
    must(remote->put(Space::Objects, sha256(bytes), bytes, soon()));
    EXPECT_EQ(must(remote->get(Space::Objects, sha256(bytes), soon())), bytes);
  }
}

TEST_F(RemoteConformance, LargeObjectsAreWhole) {
  if (setup.evicts)
    GTEST_SKIP() << "the server is smaller than the object";
  const auto remote = open();
  const std::string bytes = bytesOf(20 << 20, 2);
  must(remote->put(Space::Objects, sha256(bytes), bytes, soon()));
  const auto there = must(remote->get(Space::Objects, sha256(bytes), soon()));
  ASSERT_TRUE(there);
  EXPECT_EQ(there->size(), bytes.size());
  EXPECT_EQ(sha256(*there), sha256(bytes));
}

TEST_F(RemoteConformance, ManyNamesOverOneConnection) {
  const auto remote = open();
  for (unsigned i = 0; i < 300; ++i) {
    const std::string bytes = bytesOf(100 + i, i);
    must(remote->put(Space::Objects, sha256(bytes), bytes, soon()));
  }
  for (unsigned i = 0; i < 300; ++i) {
    const std::string bytes = bytesOf(100 + i, i);
    EXPECT_EQ(must(remote->get(Space::Objects, sha256(bytes), soon())), bytes);
  }
}

TEST_F(RemoteConformance, PrefixesAreApart) {
  const auto one = open();
  options.prefix += ".other";
  const auto other = open();
  must(one->put(Space::Objects, sha256("x"), "x", soon()));
  EXPECT_FALSE(must(other->exists(Space::Objects, sha256("x"), soon())));
}

TEST_F(RemoteConformance, OneWritesWhileAnotherReads) {
  const auto reader = open();
  const std::string bytes = bytesOf(1 << 20, 3);
  std::jthread writer([&] {
    const auto remote = open();
    for (int i = 0; i < 20; ++i)
      must(remote->put(Space::Objects, sha256(bytes), bytes, soon()));
  });
  // Whole or not at all, at every moment. moto closes the file of a key that is
  // overwritten under those who read it, and answers 500.
  const bool mayFail = setup.url.starts_with("s3+http:");
  for (int i = 0; i < 40; ++i) {
    auto there = reader->get(Space::Objects, sha256(bytes), soon());
    if (there || !mayFail || !there.error().text.ends_with("it answers 500"))
      if (const auto got = must(std::move(there)))
        EXPECT_TRUE(*got == bytes) << got->size() << " bytes";
  }
}

TEST_F(RemoteConformance, UrlShowsNoPassword) {
  if (!setup.secret.empty())
    EXPECT_EQ(open()->url().find(setup.secret), std::string::npos);
  EXPECT_NE(open()->url().find("://"), std::string::npos);
}

TEST_F(RemoteConformance, RecordsAreKeptOrRefusedWithASentence) {
  const auto remote = open();
  const std::string one[] = {line(0, 0)};
  const auto added = remote->addRecords(sha256("problem"), one, soon());
  EXPECT_EQ(added.ok(), !setup.recordsRefused);
  EXPECT_EQ(!remote->recordsRefused().empty(), setup.recordsRefused);
  if (!added)
    EXPECT_NE(added.error().text.find(remote->recordsRefused()),
              std::string::npos)
        << added.error().text;
}

TEST_F(RemoteRecords, AreTheUnionOfWhatWasAdded) {
  const auto one = open(), other = open();
  const Digest problem = sha256("problem");
  EXPECT_TRUE(must(one->records(problem, soon())).empty());
  const std::string first[] = {line(1, 1), line(1, 2)};
  const std::string second[] = {line(1, 2), line(2, 1)};
  must(one->addRecords(problem, first, soon()));
  must(other->addRecords(problem, second, soon()));
  must(other->addRecords(problem, second, soon()));
  EXPECT_EQ(setOf(must(one->records(problem, soon()))),
            (std::set{line(1, 1), line(1, 2), line(2, 1)}));
}

TEST_F(RemoteRecords, AreKeptByProblem) {
  const auto remote = open();
  EXPECT_TRUE(must(remote->problems(soon())).empty());
  std::set<Digest> problems;
  for (int i = 0; i < 20; ++i) {
    const Digest problem = sha256("problem " + std::to_string(i));
    const std::string one[] = {line(i, i)};
    must(remote->addRecords(problem, one, soon()));
    problems.insert(problem);
  }
  const auto listed = must(remote->problems(soon()));
  EXPECT_EQ(listed.size(), problems.size());
  EXPECT_EQ(std::set(listed.begin(), listed.end()), problems);
  EXPECT_EQ(must(remote->records(sha256("problem 7"), soon())),
            std::vector{line(7, 7)});
}

TEST_F(RemoteRecords, AThousandAtOnce) {
  const auto remote = open();
  std::vector<std::string> lines;
  lines.reserve(1000);
  for (int i = 0; i < 1000; ++i)
    lines.push_back(line(0, i) + std::string(500, ' '));
  must(remote->addRecords(sha256("problem"), lines, soon()));
  EXPECT_EQ(setOf(must(remote->records(sha256("problem"), soon()))).size(),
            1000u);
}

/// What one of several writers adds, a few lines a call.
void addAsWriter(const RemoteOptions &options, int writer) {
  const auto remote = must(openRemote(options));
  for (int i = 0; i < 30; i += 2) {
    const std::string some[] = {line(writer, i), line(writer, i + 1)};
    must(remote->addRecords(sha256("problem"), some, soon()));
  }
}

TEST_F(RemoteRecords, NoneIsLostAmongThreads) {
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int writer = 0; writer < 4; ++writer)
    threads.emplace_back([&, writer] { addAsWriter(options, writer); });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(setOf(must(open()->records(sha256("problem"), soon()))).size(),
            4u * 30);
}

TEST_F(RemoteRecords, NoneIsLostAmongProcesses) {
  std::vector<pid_t> writers;
  for (int writer = 0; writer < 4; ++writer) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        addAsWriter(options, writer);
      } catch (const std::exception &error) {
        fprintf(stderr, "writer: %s\n", error.what());
        _exit(1);
      }
      _exit(0);
    }
    writers.push_back(child);
  }
  for (pid_t child : writers) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(setOf(must(open()->records(sha256("problem"), soon()))).size(),
            4u * 30);
}

TEST_F(RemoteConformance, EpochStaysUntilTheServerIsEmptied) {
  const auto remote = open();
  must(remote->put(Space::Objects, sha256("x"), "x", soon()));
  const std::string before = must(remote->epoch(soon()));
  EXPECT_EQ(must(open()->epoch(soon())), before);
  if (setup.empty.empty() || before.empty())
    return;
  ASSERT_EQ(std::system(setup.empty.c_str()), 0);
  EXPECT_FALSE(must(remote->exists(Space::Objects, sha256("x"), soon())));
  const std::string after = must(remote->epoch(soon()));
  EXPECT_NE(after, before);
  EXPECT_NE(after, "");
  // And it is filled again.
  must(remote->put(Space::Objects, sha256("x"), "x", soon()));
  EXPECT_EQ(must(remote->get(Space::Objects, sha256("x"), soon())), "x");
}

TEST_F(RemoteConformance, RecordsOutliveObjectsOnAFullServer) {
  if (!setup.evicts)
    GTEST_SKIP() << "the server is not small";
  const auto remote = open();
  const std::string one[] = {line(1, 1)};
  must(remote->addRecords(sha256("problem"), one, soon()));
  const std::string epoch = must(remote->epoch(soon()));
  int lost = 0;
  for (unsigned i = 0; i < 64; ++i) {
    const std::string bytes = bytesOf(1 << 20, i);
    must(remote->put(Space::Objects, sha256(bytes), bytes, soon()));
  }
  for (unsigned i = 0; i < 64; ++i)
    lost += !must(
        remote->exists(Space::Objects, sha256(bytesOf(1 << 20, i)), soon()));
  EXPECT_GT(lost, 0);
  EXPECT_EQ(must(remote->records(sha256("problem"), soon())),
            std::vector{line(1, 1)});
  EXPECT_EQ(must(remote->epoch(soon())), epoch);
}

} // namespace

int main(int argc, char **argv) { return runOverRemote(argc, argv); }
