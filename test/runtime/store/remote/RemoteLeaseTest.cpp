// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What every kind of remote that keeps leases must do, over one URL
// (RemoteSetup.h). Without one it is a folder.
#include "runtime/store/files/Random.h"

#include "test/runtime/store/remote/RemoteSetup.h"

#include <array>
#include <thread>

using namespace attn_jit;
using namespace attn_jit::store;
using namespace attn_jit::store::test;
using namespace std::chrono_literals;

namespace {

/// Skipped by name where the remote says that it keeps no leases.
class RemoteLeases : public testing::Test {
protected:
  using Held = std::optional<HeldName>;
  void SetUp() override {
    options.url = setup.url;
    // What counts is the deadline: a busy machine may be slow to accept.
    options.connect = 10s;
    options.prefix = "leases-" + randomHex(8);
    auto asked = open()->lease(sha256("asked"), "", 1s, soon());
    if (asked)
      return;
    ASSERT_EQ(asked.error().code, rt::ErrorCode::Unsupported);
    EXPECT_NE(asked.error().text.find("it keeps no leases"), std::string::npos);
    GTEST_SKIP() << "it keeps no leases";
  }
  /// A second machine: its own connection.
  std::unique_ptr<Remote> open() const { return must(openRemote(options)); }

  RemoteOptions options;
  const Digest name = sha256("key");
};

TEST_F(RemoteLeases, AreTheirsWhoCameFirst) {
  const auto one = open(), other = open();
  EXPECT_FALSE(must(one->lease(name, "", 10s, soon())));
  for (int i = 0; i < 2; ++i) {
    const Held mine = must(one->lease(name, "one", 10s, soon()));
    const Held theirs = must(other->lease(name, "other", 10s, soon()));
    const Held seen = must(other->lease(name, "", 10s, soon()));
    for (const Held &each : {mine, theirs, seen}) {
      ASSERT_TRUE(each);
      EXPECT_EQ(each->text, "one");
      EXPECT_GT(each->left, 0s);
      EXPECT_LE(each->left, 10s);
    }
  }
  // Another name is another's, and no space is one of leases.
  EXPECT_EQ(must(other->lease(sha256("b"), "other", 10s, soon()))->text,
            "other");
  EXPECT_FALSE(must(one->exists(Space::Actions, name, soon())));
  EXPECT_FALSE(must(one->exists(Space::Objects, name, soon())));
}

TEST_F(RemoteLeases, EndByThemselves) {
  const auto one = open(), other = open();
  ASSERT_EQ(must(one->lease(name, "dead", 150ms, soon()))->text, "dead");
  std::this_thread::sleep_for(200ms);
  EXPECT_FALSE(must(other->lease(name, "", 150ms, soon())));
  EXPECT_EQ(must(other->lease(name, "other", 10s, soon()))->text, "other");
  EXPECT_EQ(must(one->lease(name, "dead", 10s, soon()))->text, "other");
}

TEST_F(RemoteLeases, OfManyAtOnceOneHasIt) {
  for (int round = 0; round < 5; ++round) {
    const Digest each = sha256("round " + std::to_string(round));
    // Half of the rounds take over what a dead one has left.
    if (round % 2) {
      must(open()->lease(each, "dead", 20ms, soon()));
      std::this_thread::sleep_for(30ms);
    }
    std::array<std::string, 8> held;
    {
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < held.size(); ++i)
        threads.emplace_back([&, i] {
          auto got = open()->lease(each, std::to_string(i), 10s, soon());
          held[i] = got && *got ? (*got)->text : "none";
        });
    }
    for (const std::string &text : held)
      EXPECT_EQ(text, held[0]) << round;
    EXPECT_NE(held[0], "none");
    EXPECT_NE(held[0], "dead");
  }
}

} // namespace

int main(int argc, char **argv) { return runOverRemote(argc, argv); }
