// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A job's frozen choices: what is written is read again, and nothing else is.
#include "autotune/Pin.h"

#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace attn_jit;
using namespace attn_jit::tune;

static PinEnvironment here() {
  PinEnvironment environment{"attn-jit 0.1.0, build ab", "cuda 13.0", {}};
  environment.device.add("name", "NVIDIA H200");
  environment.device.add("compute_units", "132");
  return environment;
}

static store::Key problem(const char *length) {
  store::Key key;
  key.add("description", "head_dim=128");
  key.add("q_len", length);
  return key;
}

static Pin twoChoices() {
  Pin pin(here());
  pin.set(problem("4096"), "ws.v1<bm=128>");
  pin.set(problem("1"), "sync.v1<bm=64>");
  return pin;
}

static std::string refusal(std::string text, const std::string &was,
                           const std::string &now) {
  const size_t at = text.find(was);
  EXPECT_NE(at, std::string::npos) << was;
  auto pin = Pin::parse(text.replace(at, was.size(), now), "job.pin");
  EXPECT_FALSE(pin.ok()) << now;
  return pin ? std::string() : pin.error().text;
}

TEST(Pin, IsReadAsItWasWritten) {
  const auto again = Pin::parse(twoChoices().text(), "job.pin");
  ASSERT_TRUE(again.ok()) << again.error().text;
  EXPECT_EQ(again->size(), 2u);
  EXPECT_EQ(*again->find(problem("4096").digest()), "ws.v1<bm=128>");
  EXPECT_EQ(again->find(problem("2").digest()), nullptr);
  EXPECT_TRUE(again->holdsIn(here(), "job.pin").ok());
  EXPECT_EQ(again->text(), twoChoices().text());
}

TEST(Pin, HasOneChoiceOfAProblem) {
  Pin pin = twoChoices();
  pin.set(problem("4096"), "ws.v1<bm=192>");
  EXPECT_EQ(pin.size(), 2u);
  EXPECT_EQ(*pin.find(problem("4096").digest()), "ws.v1<bm=192>");
}

TEST(Pin, HoldsInItsEnvironmentOnly) {
  PinEnvironment other = here();
  other.driver = "cuda 12.9";
  const auto held = twoChoices().holdsIn(other, "job.pin");
  ASSERT_FALSE(held.ok());
  EXPECT_EQ(held.error().text,
            "pin: 'job.pin' given, made for driver 'cuda 13.0', which is "
            "'cuda 12.9' here; allowed: one of this environment");
  EXPECT_EQ(held.error().exitCode(), 2);
  other = here();
  other.compiler += "c";
  EXPECT_FALSE(twoChoices().holdsIn(other, "job.pin").ok());
  other = here();
  other.device.add("memory_bus_bits", "6144");
  EXPECT_FALSE(twoChoices().holdsIn(other, "job.pin").ok());
}

TEST(Pin, RefusesWhatWasEditedByHalf) {
  const std::string text = twoChoices().text();
  EXPECT_NE(refusal(text, "cuda 13.0", "cuda 12.9").find("environment.digest"),
            std::string::npos);
  EXPECT_NE(refusal(text, "\"4096\"", "\"8192\"").find("].digest"),
            std::string::npos);
  EXPECT_NE(refusal(text, "ws.v1<bm=128>", "").find("].schedule: nothing"),
            std::string::npos);
}

TEST(Pin, RefusesOtherFiles) {
  const std::string text = twoChoices().text();
  EXPECT_EQ(refusal(text, "pin.v1", "pin.v2"),
            "pin: 'job.pin': format: 'attn-jit.pin.v2' given, allowed: "
            "attn-jit.pin.v1");
  EXPECT_NE(refusal(text, "\"choices\"", "\"choice\"").find("choices: nothing"),
            std::string::npos);
  EXPECT_NE(refusal(text, "\"schedule\"", "\"x\": 1, \"schedule\"")
                .find("an unknown field"),
            std::string::npos);
  for (const char *none : {"", "[]", "{", "null", "my thesis"})
    EXPECT_FALSE(Pin::parse(none, "job.pin").ok()) << none;
  EXPECT_FALSE(Pin::parse(std::string(1000, '['), "job.pin").ok());
}

TEST(Pin, ThatIsNotThereIsNotFound) {
  const std::string path =
      testing::TempDir() + "absent-" + std::to_string(getpid()) + ".pin";
  const auto pin = Pin::load(path);
  ASSERT_FALSE(pin.ok());
  EXPECT_EQ(pin.error().code, rt::ErrorCode::NotFound);
  EXPECT_FALSE(Pin::load("/").ok());
  std::ofstream(path) << twoChoices().text();
  EXPECT_TRUE(Pin::load(path).ok());
  std::remove(path.c_str());
}
