// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pins are files of a job. An input's first byte says whether the digests in
// its text are put right, so that changes arrive behind them. What is read has
// one text, holds in its environment and in no other.
#include "autotune/Pin.h"
#include "test/fuzz/FuzzCheck.h"

#include <nlohmann/json.hpp>

using namespace attn_jit;
using namespace attn_jit::tune;
using attn_jit::test::counts;
using attn_jit::test::require;
using Json = nlohmann::ordered_json;

/// Labels as they stand, where they are ones.
static store::Key keyOf(const Json &fields) {
  store::Key key;
  if (fields.is_object())
    for (const auto &[label, value] : fields.items())
      if (store::Key::isLabel(label) && value.is_string() && !key.find(label))
        key.add(label, value.get<std::string>());
  return key;
}

static std::string withDigests(const std::string &text) {
  Json pin = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!pin.is_object())
    return text;
  auto textAt = [](const Json &object, const char *field) {
    auto found = object.find(field);
    return found != object.end() && found->is_string()
               ? found->get<std::string>()
               : std::string();
  };
  if (auto at = pin.find("environment"); at != pin.end() && at->is_object()) {
    const PinEnvironment environment{
        textAt(*at, "compiler"), textAt(*at, "driver"),
        keyOf(at->contains("device") ? (*at)["device"] : Json())};
    (*at)["digest"] = environment.digest().hex();
  }
  if (auto at = pin.find("choices"); at != pin.end() && at->is_array())
    for (Json &choice : *at)
      if (choice.is_object() && choice.contains("problem"))
        choice["digest"] = keyOf(choice["problem"]).digest().hex();
  return pin.dump(-1, ' ', true, Json::error_handler_t::replace);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  std::string text(reinterpret_cast<const char *>(data) + 1, size - 1);
  // Deeper ones are refused before; the library's writer recurses.
  if (data[0] % 4 && text.find("[[[[") == text.npos)
    text = withDigests(text);
  const auto pin = Pin::parse(text, "fuzz");
  if (!pin) {
    const std::string &error = pin.error().text;
    require(error.starts_with("pin: 'fuzz'"), "an error names the file");
    require(error.find('\n') == error.npos, "an error must be one line");
    ++counts.refused;
    return 0;
  }
  ++counts.accepted;
  const auto again = Pin::parse(pin->text(), "fuzz");
  require(again && again->text() == pin->text(), "a pin has one text");
  require(again->size() == pin->size(), "and each choice");
  require(pin->holdsIn(pin->environment(), "fuzz").ok(), "it holds here");
  PinEnvironment other = pin->environment();
  other.driver += "x";
  require(!pin->holdsIn(other, "fuzz"), "and nowhere else");
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  PinEnvironment environment{"attn-jit 0.1.0, build ab", "cuda 13.0", {}};
  environment.device.add("name", "NVIDIA H200");
  environment.device.add("compute_units", "132");
  Pin pin(environment);
  sink("empty", '\1' + pin.text());
  for (const char *length : {"4096", "1"}) {
    store::Key problem;
    problem.add("description", "head_dim=128\n\"x\" \xc3\xa9");
    problem.add("q_len", length);
    pin.set(problem, "flash_fwd_ws.v1<bm=128>");
  }
  sink("text", '\0' + pin.text());
  sink("pin", '\1' + pin.text());
  std::string twice = pin.text();
  twice.replace(twice.find("\"4096\""), 6, "\"1\"");
  sink("twice", '\1' + twice);
}
