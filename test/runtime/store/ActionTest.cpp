// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text of an action: one for each value, read back as it was written.
#include "runtime/store/Action.h"

#include <gtest/gtest.h>

using namespace attn_jit::store;

static Action sample() {
  Action action;
  action.key.add("target", "sm_90a");
  action.key.add("description", "head_dim=128\nscore=\"x\"");
  action.kind = "ptx";
  action.object = sha256("image");
  action.bytes = 5;
  action.manifest = "{\"kernel\": \"attn_fwd\"}\n";
  action.signatures = {{"0011223344556677", "c2ln"}};
  return action;
}

TEST(Action, IsReadAsItWasWritten) {
  const std::string text = sample().text();
  auto read = Action::parse(text);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->key, sample().key);
  EXPECT_EQ(read->manifest, sample().manifest);
  EXPECT_EQ(read->signatures, sample().signatures);
  EXPECT_EQ(read->text(), text);
}

TEST(Action, SignaturesAreNoPartOfTheBody) {
  Action unsignedOne = sample();
  unsignedOne.signatures.clear();
  EXPECT_EQ(unsignedOne.body(), sample().body());
}

static std::string faultOf(const std::string &text) {
  auto read = Action::parse(text);
  return read ? "" : read.error().text;
}

TEST(Action, AnyOtherTextIsRefused) {
  const std::string text = sample().text();
  std::string spaced = text, doubled = text, format = text;
  spaced.insert(1, " ");
  EXPECT_EQ(faultOf(spaced),
            "action: the body is not the one text of what it says");
  doubled.insert(1, "\"kind\":\"hsaco\",");
  EXPECT_EQ(faultOf(doubled),
            "action: the body is not the one text of what it says");
  format.replace(format.find(".v1"), 3, ".v2");
  EXPECT_EQ(faultOf(format), "action: the body is no attn-jit.action.v1");
  EXPECT_EQ(faultOf(text.substr(0, text.size() - 1)),
            "action: its last line does not end");
  EXPECT_EQ(faultOf(text + "note\n"),
            "action: a line after the body is no signature");
  EXPECT_EQ(faultOf(text + "signature ed25519 abc\n"),
            "action: a signature has no key id and text");
  EXPECT_EQ(faultOf(std::string(100, '[') + "\n"),
            "action: the body is nested too deeply");
  EXPECT_EQ(faultOf(std::string(Action::most + 1, 'x')),
            "action: it is larger than 4 MiB");
  std::string label = text;
  label.replace(label.find("\"target\""), 8, "\"target \\\"x\\\"\\nb\"");
  EXPECT_EQ(faultOf(label),
            "action: a label of the key is not of a to z and _");
  std::string crowded = text;
  for (int i = 0; i < 16; ++i)
    crowded += "signature ed25519 0011223344556677 c2ln\n";
  EXPECT_EQ(faultOf(crowded), "action: it has more than 16 signatures");
}

// Each missing field, and each of a wrong type.
TEST(Action, FieldsAreNeeded) {
  for (const char *field : {"key", "kind", "object", "bytes", "manifest"}) {
    std::string text = sample().text();
    text.replace(text.find("\"" + std::string(field) + "\":"),
                 std::string(field).size() + 3, "\"other\":");
    EXPECT_EQ(faultOf(text), "action: the body lacks a field") << field;
  }
  std::string text = sample().text();
  text.replace(text.find("\"sm_90a\""), 8, "90");
  EXPECT_EQ(faultOf(text), "action: the key is not of texts, each once");
}
