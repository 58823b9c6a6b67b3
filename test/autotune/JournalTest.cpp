// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a killed tuner leaves behind, and what the next one makes of it.
#include "autotune/Journal.h"
#include "test/autotune/Simulated.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::tune;
namespace fs = std::filesystem;

class JournalTest : public testing::Test {
protected:
  void SetUp() override {
    folder = testing::TempDir() + "journal." + std::to_string(getpid());
    fs::create_directories(folder);
    records = folder + "/records.jsonl", state = folder + "/tuning";
    for (int i = 0; i < 60; ++i) {
      const std::string text = "f.v1<x=" + std::to_string(i) + ">";
      table.us[text] = 100 + (i * 37) % 60;
      candidates.push_back({text, 0});
    }
    table.noise = 0;
    options.budgetSeconds = 1;
  }
  void TearDown() override { fs::remove_all(folder); }

  /// As `attn-jit tune` does it; killAfter runs the process is gone, -1: never.
  rt::Result<SearchReport> tuned(int killAfter) {
    ATTN_TRY(auto sink, sinkInto(records));
    ATTN_TRY(auto journal, FileJournal::open(state, subjectOf("p"), *sink));
    SimulatedMeasurer device(table);
    device.killAfter = killAfter;
    ATTN_TRY(SearchReport report,
             search(subjectOf("p"), candidates[7].schedule, candidates, device,
                    *journal, options));
    ran = device.ran.size();
    return report;
  }
  static std::string contentOf(const std::string &path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  static void write(const std::string &path, const std::string &text) {
    std::ofstream(path) << text;
  }

  std::string folder, records, state;
  Table table;
  std::vector<Candidate> candidates;
  SearchOptions options;
  size_t ran = 0;
};

TEST_F(JournalTest, KilledForRealAtManyRunsAndTheSameInTheEnd) {
  auto expected = tuned(-1);
  ASSERT_TRUE(expected) << expected.error().text;
  const size_t whole = ran;
  fs::remove(records);
  int kills = 0;
  while (kills < 100) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto sink = sinkInto(records);
      auto journal = FileJournal::open(state, subjectOf("p"), **sink);
      SimulatedMeasurer device(table);
      // In another place each time, so that it is nobody's fault.
      device.killAfter = 16 + kills % 5;
      auto ended = search(subjectOf("p"), candidates[7].schedule, candidates,
                          device, **journal, options);
      if (!ended)
        raise(SIGKILL);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status))
      break;
    ++kills;
    EXPECT_TRUE(fs::exists(state));
  }
  EXPECT_GT(kills, 2);
  EXPECT_FALSE(fs::exists(state));
  // All is known now: the default of a new session beats nothing new.
  auto again = tuned(-1);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->winner, expected->winner);
  EXPECT_EQ(ran, whole);
}

TEST_F(JournalTest, GoesOnInTheSameSession) {
  ASSERT_FALSE(tuned(20));
  const std::string text = contentOf(state);
  EXPECT_NE(text.find("\nstart\nrunning f.v1<x=7>\n"), std::string::npos);
  EXPECT_NE(text.find("\nstep 0 0."), std::string::npos);
  auto sink = sinkInto(records);
  ASSERT_TRUE(sink);
  std::string first;
  {
    auto journal = FileJournal::open(state, subjectOf("p"), **sink);
    ASSERT_TRUE(journal);
    EXPECT_TRUE((*journal)->continues());
    EXPECT_EQ((*journal)->records().size(), 16u);
    EXPECT_GT((*journal)->spentSeconds(), 0);
    ASSERT_TRUE((*journal)->timesOf(0));
    EXPECT_EQ((*journal)->timesOf(0)->spentSeconds, (*journal)->spentSeconds());
    EXPECT_GT((*journal)->timesOf(0)->sampleSeconds, 0);
    EXPECT_EQ((*journal)->interrupted().size(), 1u);
    first = (*journal)->session();
  }
  // Another compiler is another search.
  SearchSubject other = subjectOf("p");
  other.compiler = "c2";
  auto journal = FileJournal::open(state, other, **sink);
  ASSERT_TRUE(journal);
  EXPECT_FALSE((*journal)->continues());
  EXPECT_NE((*journal)->session(), first);
}

TEST_F(JournalTest, WhoIsAskedToEndLeavesNoSuspect) {
  ASSERT_FALSE(tuned(20));
  const size_t head = contentOf(state).size();
  const pid_t child = fork();
  if (child == 0) {
    stopOnTermination();
    auto sink = sinkInto(records);
    auto journal = FileJournal::open(state, subjectOf("p"), **sink);
    if (!journal || !(*journal)->running("f.v1<x=3>"))
      _exit(1);
    raise(SIGTERM);
    _exit(2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM);
  EXPECT_EQ(contentOf(state).substr(head),
            "start\nrunning f.v1<x=3>\n\nstop\n");
  auto sink = sinkInto(records);
  auto journal = FileJournal::open(state, subjectOf("p"), **sink);
  ASSERT_TRUE(journal);
  EXPECT_TRUE((*journal)->continues());
  // That of the first end alone.
  EXPECT_EQ((*journal)->interrupted().size(), 1u);
}

TEST_F(JournalTest, TornLinesDoNotCount) {
  ASSERT_FALSE(tuned(20));
  for (const std::string &path : {state, records}) {
    std::string text = contentOf(path);
    text.resize(text.size() - 3);
    write(path, text);
  }
  auto report = tuned(-1);
  ASSERT_TRUE(report) << report.error().text;
  // The record that was torn is measured again; its line is left as it was.
  EXPECT_EQ(report->reused, 15u);
  EXPECT_EQ(
      store::readRecords(contentOf(records), store::Voice::Own, {}).leftOut, 1);
}

TEST_F(JournalTest, HostileStateIsANewSession) {
  for (const char *text :
       {"", "\n", "attn-jit.tuning.v1\n", "running x\nstep 1 1\n",
        "attn-jit.tuning.v1 0000 1111111111111111\nstart\n"}) {
    write(state, text);
    auto sink = sinkInto(records);
    ASSERT_TRUE(sink);
    auto journal = FileJournal::open(state, subjectOf("p"), **sink);
    ASSERT_TRUE(journal) << text;
    EXPECT_FALSE((*journal)->continues());
    EXPECT_TRUE((*journal)->interrupted().empty());
  }
  // A head of this search, and nonsense behind it.
  write(state, "attn-jit.tuning.v1 " + digestOf(subjectOf("p")).hex() +
                   " 0123456789abcdef\nstep\nstep x\nstep 1\nstep 1 -3\n"
                   "step 2 nan 1\nstep 2 inf 1\nstep 2 1 inf\nstep 3 1e999 "
                   "1\nstep 5 7\nstep 6 7 x\n"
                   "running\nhello\nstep 4 2.5 0.1\n");
  auto sink = sinkInto(records);
  ASSERT_TRUE(sink);
  auto journal = FileJournal::open(state, subjectOf("p"), **sink);
  ASSERT_TRUE(journal);
  EXPECT_TRUE((*journal)->continues());
  EXPECT_EQ((*journal)->spentSeconds(), 2.5);
}

TEST_F(JournalTest, OneProcessAtATime) {
  auto sink = sinkInto(records);
  ASSERT_TRUE(sink);
  auto first = FileJournal::open(state, subjectOf("p"), **sink);
  ASSERT_TRUE(first);
  auto second = FileJournal::open(state, subjectOf("p"), **sink);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().text,
            "tune: another process tunes this problem, and holds '" + state +
                "'");
}

TEST_F(JournalTest, FileOfOtherLinesIsRefusedAndLeft) {
  write(records, "my thesis\n");
  auto sink = sinkInto(records);
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().text,
            "records: '" + records +
                "' given, which holds other lines than records; allowed: a "
                "file of records, or a new one");
  EXPECT_EQ(contentOf(records), "my thesis\n");
  EXPECT_FALSE(sinkInto(folder));
  EXPECT_FALSE(sinkInto(folder + "/no/such/folder"));
}
