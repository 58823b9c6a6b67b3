// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fuzzes the readers of actions, as they come from a remote and as they lie on
// disk. An input's first byte says what is put right around the rest:
//
//   0  nothing: an action's text
//   1  the body, made of parts that end in \x1f: kind, manifest, signatures
//      ("id text"), and "label=value" of the key
//   2  the last line of a file, and the key that it is asked for
//   3  the same of a foreign one
//
// What is read has one text, which is read as itself.
#include "runtime/store/local/ActionFile.h"
#include "test/fuzz/FuzzCheck.h"

#include <algorithm>

using namespace attn_jit;
using namespace attn_jit::store;
using attn_jit::test::counts;
using attn_jit::test::require;

static std::string bodyOf(std::string_view parts) {
  auto next = [&] {
    const size_t end = std::min(parts.find('\x1f'), parts.size());
    const std::string part(parts.substr(0, end));
    parts.remove_prefix(std::min(end + 1, parts.size()));
    return part;
  };
  Action action;
  action.kind = next();
  action.manifest = next();
  action.object = sha256(action.manifest);
  action.bytes = int64_t(action.kind.size());
  while (!parts.empty()) {
    const std::string part = next();
    const size_t split = part.find_first_of("= ");
    const std::string first = part.substr(0, split);
    const std::string rest = split == part.npos ? "" : part.substr(split + 1);
    if (split != part.npos && part[split] == ' ')
      action.signatures.push_back({first, rest});
    else if (Key::isLabel(first) && !action.key.find(first))
      action.key.add(first, rest);
  }
  return action.text();
}

static void checkText(const std::string &text) {
  const auto action = Action::parse(text);
  if (!action) {
    require(action.error().text.starts_with("action: ") &&
                action.error().text.find('\n') == std::string::npos,
            "an error is one line that says of what");
    ++counts.refused;
    return;
  }
  ++counts.accepted;
  require(action->text() == text, "an action has one text");
  const std::string key = action->key.text();
  require(size_t(std::ranges::count(key, '\n')) == action->key.fields().size(),
          "each field of a key is one line");
}

/// As found on disk under the name of its key; the file's sum is repaired.
static void checkFile(std::string text, Place place) {
  size_t head = 0;
  if (place == Place::Foreign)
    head = std::min(text.find('\n'), text.size() - 1) + 1;
  const auto action = Action::parse(std::string_view(text).substr(head));
  const Digest key = action ? action->key.digest() : Digest();
  text += "sha256 " + sha256(text).hex() + "\n";
  const auto file = unpackAction(text, place, key);
  if (!file) {
    ++counts.refused;
    return;
  }
  ++counts.accepted;
  require(file->action.key.digest() == key, "it is the key's");
  require(packAction(file->action, place, file->origin) == text,
          "a file has one text");
  require(!unpackAction(text, place, sha256("another")), "and no other's");
  text[text.size() / 2] ^= 1;
  require(!unpackAction(text, place, key), "a flipped bit is seen");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  const std::string text(reinterpret_cast<const char *>(data) + 1, size - 1);
  switch (data[0] % 4) {
  case 0:
    checkText(text);
    break;
  case 1:
    checkText(bodyOf(text));
    break;
  default:
    checkFile(text, data[0] % 4 == 2 ? Place::Own : Place::Foreign);
  }
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  const std::string parts = "ptx\x1f{\"kernel\": \"attn_fwd\"}\n\x1f"
                            "target=sm_90a\x1f"
                            "description=head_dim=128\x1f"
                            "0011223344556677 c2ln\x1f";
  const std::string text = bodyOf(parts);
  sink("text", '\0' + text);
  sink("unsigned", '\0' + text.substr(0, text.find('\n') + 1));
  sink("parts", '\1' + parts);
  sink("crowded", '\1' + parts + parts.substr(parts.find("001122")));
  sink("own", '\2' + text);
  sink("foreign", "\3origin redis://cache:6379/0\n" + text);
}
