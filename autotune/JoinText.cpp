// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A server's contents are a stranger's word: each field is looked at before it
// is used.
#include "autotune/JoinText.h"
#include "runtime/Printable.h"

#include <nlohmann/json.hpp>

using namespace attn_jit;
using namespace attn_jit::tune;
using Json = nlohmann::ordered_json;
using store::Outcome;

static constexpr std::string_view kFormat = "attn-jit.job.v1",
                                  kWorkFormat = "attn-jit.work.v1";
static constexpr std::string_view kSignature = "ed25519 ";
static constexpr size_t kMostNote = 500;

static constexpr Outcome kOutcomes[] = {
    Outcome::Ok,      Outcome::Illegal,  Outcome::CompileFailed,
    Outcome::Wrong,   Outcome::TimedOut, Outcome::LaunchFailed,
    Outcome::Crashed, Outcome::Throttled};

rt::Result<JoinSeal> JoinSeal::make(const std::string &keyFile) {
  JoinSeal made;
  ATTN_TRY(made.trusted, store::TrustedKeys::load());
  if (keyFile.empty()) {
    if (!made.trusted.keys().empty())
      return rt::badInput("key: nothing given, and this machine believes "
                          "listed keys alone; allowed: --key FILE");
    return made;
  }
  ATTN_TRY(made.key, store::SigningKey::load(keyFile));
  std::string lines = made.key->publicKey().line() + "\n";
  for (const store::TrustedKey &each : made.trusted.keys())
    lines += each.line() + "\n";
  for (const store::Revocation &each : made.trusted.revocations())
    lines += each.line() + "\n";
  ATTN_TRY(made.trusted, store::TrustedKeys::parse(lines, "key"));
  if (made.trusted.revoked(made.key->publicKey().id()))
    return rt::badInput("key: " + rt::inQuotes(keyFile) +
                        " given, which is revoked here; allowed: another");
  return made;
}

std::string JoinSeal::seal(const std::string &json) const {
  if (!key)
    return json;
  const store::Signature signature = key->sign(store::Domain::Job, json);
  return json + "\n" + std::string(kSignature) + signature.keyId + " " +
         signature.base64;
}

rt::Result<std::string> JoinSeal::open(const std::string &sealed) const {
  const size_t end = sealed.find('\n');
  const std::string json = sealed.substr(0, end);
  std::vector<store::Signature> signatures;
  if (end != std::string::npos) {
    const std::string line = sealed.substr(end + 1);
    const size_t blank = line.find(' ', kSignature.size());
    if (!line.starts_with(kSignature) || blank == std::string::npos)
      return rt::badInput("what stands behind it is no signature");
    signatures.push_back(
        {line.substr(kSignature.size(), blank - kSignature.size()),
         line.substr(blank + 1)});
  }
  if (!key) {
    if (!signatures.empty())
      return rt::badInput("it is signed, and no key is given here; allowed: "
                          "--key FILE");
    return json;
  }
  ATTN_TRY(const std::string signer,
           trusted.verify(store::Domain::Job, json, signatures));
  (void)signer;
  return json;
}

static std::string lineOf(const Json &json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

static std::string textOf(const Json &json, const char *field) {
  auto found = json.find(field);
  return found != json.end() && found->is_string() ? found->get<std::string>()
                                                   : "";
}

/// Not finite or not there: -1, which no field may be.
static double numberOf(const Json &json, const char *field) {
  auto found = json.find(field);
  const double number =
      found != json.end() && found->is_number() ? found->get<double>() : -1;
  return std::isfinite(number) ? number : -1;
}

std::string Job::text() const {
  return lineOf({{"format", kFormat},
                 {"search", search},
                 {"session", session},
                 {"at", at}});
}

rt::Result<Job> Job::parse(const std::string &text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || textOf(json, "format") != kFormat)
    return rt::badInput("it is no job of the format " + std::string(kFormat));
  Job job{textOf(json, "search"), textOf(json, "session"), textOf(json, "at")};
  auto isHex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  };
  if (job.session.size() != 16 || !std::ranges::all_of(job.session, isHex))
    return rt::badInput("its session is not 16 hexadecimal digits");
  // Records take no other; so a job that is taken gives records that are.
  static constexpr std::string_view form = "dddd-dd-ddTdd:dd:ddZ";
  bool isTime = job.at.size() == form.size();
  for (size_t i = 0; isTime && i < form.size(); ++i)
    isTime = form[i] == 'd' ? job.at[i] >= '0' && job.at[i] <= '9'
                            : job.at[i] == form[i];
  if (!isTime)
    return rt::badInput("its time is not of the form 2026-11-28T03:41:19Z");
  return job;
}

std::string tune::resultText(const ItemName &of, const std::string &worker,
                             const Measured &result) {
  return lineOf({{"session", of.session},
                 {"step", of.step},
                 {"schedule", of.schedule},
                 {"worker", worker},
                 {"outcome", store::name(result.outcome)},
                 {"us", result.samplesUs},
                 {"error", std::isfinite(result.error) ? result.error : 1e300},
                 {"clock_mhz", result.clockMHz},
                 {"note", rt::printable(result.note, kMostNote)},
                 {"load_s", result.loadSeconds},
                 {"timing_s", result.timingSeconds}});
}

rt::Result<Measured> tune::parseResult(const std::string &text,
                                       const ItemName &of, size_t samples) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || textOf(json, "session") != of.session ||
      numberOf(json, "step") != double(of.step) ||
      textOf(json, "schedule") != of.schedule)
    return rt::badInput("it is of another item");
  Measured result;
  const auto outcome = std::ranges::find_if(kOutcomes, [&](Outcome each) {
    return store::name(each) == textOf(json, "outcome");
  });
  if (outcome == std::end(kOutcomes))
    return rt::badInput("outcome: it has none");
  result.outcome = *outcome;
  if (auto us = json.find("us"); us != json.end() && us->is_array())
    for (const Json &each : *us)
      result.samplesUs.push_back(each.is_number() ? each.get<double>() : 0);
  const bool timed = result.outcome == Outcome::Ok;
  // Longer than a day is no launch, and keeps nanoseconds within an integer.
  if (result.samplesUs.size() != (timed ? samples : 0) ||
      !std::ranges::all_of(result.samplesUs,
                           [](double us) { return us > 0 && us < 86400e6; }))
    return rt::badInput("us: it has not one positive time a sample");
  result.error = numberOf(json, "error");
  result.clockMHz = numberOf(json, "clock_mhz");
  result.loadSeconds = numberOf(json, "load_s");
  result.timingSeconds = numberOf(json, "timing_s");
  if (!(result.error >= 0 && result.clockMHz >= 0 && result.clockMHz < 1e6 &&
        result.loadSeconds >= 0 && result.loadSeconds < 1e6 &&
        result.timingSeconds >= 0 && result.timingSeconds < 1e6))
    return rt::badInput("numbers: it has one that is no such number");
  result.note = rt::printable(textOf(json, "note"), kMostNote);
  return result;
}

std::string Work::text() const {
  return lineOf({{"format", kWorkFormat},
                 {"search", search},
                 {"target", target},
                 {"release", release},
                 {"schedules", schedules}});
}

rt::Result<Work> Work::parse(const std::string &text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || textOf(json, "format") != kWorkFormat)
    return rt::badInput("it is no work of the format " +
                        std::string(kWorkFormat));
  Work work{textOf(json, "search"),
            textOf(json, "target"),
            textOf(json, "release"),
            {}};
  if (auto list = json.find("schedules"); list != json.end())
    for (const Json &each : *list)
      if (each.is_string())
        work.schedules.push_back(each.get<std::string>());
  return work;
}
