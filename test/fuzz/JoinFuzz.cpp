// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What workers of a shared search find on a server. An input's first byte says
// what of it is put right:
//
//   0  nothing: a sealed text              1  its signature; JSON of a job
//   2  its signature; JSON of a result     3  a result whose item and samples
//                                             are those that are wanted
//
// What is believed was signed; a job that is taken gives records that are, and
// a result that is taken is one of numbers.
#include "autotune/JoinText.h"
#include "test/fuzz/FuzzCheck.h"
#include "test/runtime/store/ScratchFolder.h"

#include <cmath>
#include <nlohmann/json.hpp>

using namespace attn_jit;
using namespace attn_jit::tune;
using attn_jit::test::counts;
using attn_jit::test::require;
using Json = nlohmann::ordered_json;

static const ItemName item{"0123456789abcdef", 3, "f.v1<x=1>"};
static constexpr size_t samples = 3;

namespace {
/// A machine that signs, and one that lists nobody.
struct Machines {
  Machines() {
    setenv("ATTN_JIT_CONFIG", folder.at("config").c_str(), 1);
    const std::string path = folder.at("key");
    require(store::SigningKey::generate(path).ok(), "a key is made");
    signing = std::move(*JoinSeal::make(path));
    plain = std::move(*JoinSeal::make(""));
  }
  store::test::ScratchFolder folder;
  std::optional<JoinSeal> signing, plain;
};
} // namespace

static bool taken(const auto &result) {
  if (result)
    return true;
  const std::string &error = result.error().text;
  require(!error.empty() && error.find('\n') == error.npos,
          "an error must be one line");
  return false;
}

static bool isJob(const std::string &json) {
  const auto job = Job::parse(json);
  if (!taken(job))
    return false;
  require(job->session.size() == 16 && job->at.size() == 20,
          "it gives records that are");
  const auto again = Job::parse(job->text());
  require(again && again->text() == job->text(), "a job has one text");
  return true;
}

static bool isResult(const std::string &json) {
  const auto result = parseResult(json, item, samples);
  if (!taken(result))
    return false;
  const bool timed = result->outcome == store::Outcome::Ok;
  require(result->samplesUs.size() == (timed ? samples : 0),
          "it has its samples");
  for (double us : result->samplesUs)
    require(std::isfinite(us) && us > 0, "times are numbers");
  for (double number : {result->error, result->clockMHz, result->loadSeconds,
                        result->timingSeconds})
    require(std::isfinite(number) && number >= 0, "numbers are numbers");
  require(result->note.find('\n') == std::string::npos, "a note is a line");
  const auto again = parseResult(resultText(item, "w", *result), item, samples);
  require(again && again->samplesUs == result->samplesUs &&
              again->outcome == result->outcome && again->note == result->note,
          "a result comes back");
  return true;
}

/// The item that is wanted, and as many samples, whatever they are.
static std::string ofItem(const std::string &text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return text;
  json["session"] = item.session;
  json["step"] = item.step;
  json["schedule"] = item.schedule;
  if (auto us = json.find("us"); us != json.end() && us->is_array())
    while (!us->empty() && us->size() < samples)
      us->push_back(us->back());
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  static const Machines machines;
  const std::string text(reinterpret_cast<const char *>(data) + 1, size - 1);
  bool good = false;
  if (data[0] % 4 == 0) {
    const auto json = machines.signing->open(text);
    good = taken(json);
    if (const auto plain = machines.plain->open(text); taken(plain))
      require(*plain == text, "what nobody signed is as it is");
    if (good)
      isJob(*json);
  } else if (data[0] % 4 == 3) {
    good = isResult(ofItem(text));
  } else {
    const std::string line = text.substr(0, text.find('\n'));
    const auto json = machines.signing->open(machines.signing->seal(line));
    require(json && *json == line, "what it signed it believes");
    require(!machines.plain->open(machines.signing->seal(line)),
            "who has no key takes no signed search");
    good = data[0] % 4 == 1 ? isJob(line) : isResult(line);
  }
  ++(good ? counts.accepted : counts.refused);
  return 0;
}

void makeSeeds(const SeedSink &sink) {
  const std::string job =
      Job{"digest", item.session, "2026-11-28T03:41:19Z"}.text();
  Measured measured;
  measured.samplesUs = {41.8, 1.0 / 3, 40};
  measured.error = 1.2e-4, measured.clockMHz = 1980;
  measured.loadSeconds = 0.1, measured.timingSeconds = 0.2;
  const std::string result = resultText(item, "w", measured);
  measured.samplesUs.clear();
  measured.outcome = store::Outcome::Crashed, measured.note = "Xid 31";
  sink("plain", '\0' + job);
  sink("sealed", '\0' + job + "\ned25519 0011223344556677 c2ln");
  sink("job", '\1' + job);
  sink("result", '\2' + result);
  sink("failed", '\2' + resultText(item, "w", measured));
  sink("of the item", '\3' + result);
}
