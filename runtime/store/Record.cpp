// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a record's texts are: names, numbers, the line.
#include "runtime/store/Record.h"
#include "runtime/store/CanonicalJson.h"

#include <charconv>
#include <cmath>

using namespace attn_jit;
using namespace attn_jit::store;

static constexpr std::string_view outcomes[] = {
    "ok",    "illegal",   "compile_failed", "launch_failed",
    "wrong", "timed_out", "crashed",        "throttled"};

std::string_view attn_jit::store::name(Outcome outcome) {
  return outcomes[size_t(outcome)];
}

bool attn_jit::store::isFailure(Outcome outcome) {
  return outcome != Outcome::Ok && outcome != Outcome::Throttled;
}

std::string attn_jit::store::errorText(double error) {
  if (std::isnan(error))
    return "nan";
  if (std::isinf(error))
    return "inf";
  // Knows no locale, unlike printf.
  char text[32];
  const auto end =
      std::to_chars(text, std::end(text), std::fabs(error),
                    std::chars_format::scientific, /*precision=*/3);
  return {text, end.ptr};
}

std::optional<double> attn_jit::store::errorValue(std::string_view text) {
  double value = 0;
  const char *end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr != end || errorText(value) != text)
    return std::nullopt;
  return value;
}

static void add(std::string &text, std::string_view name,
                std::string_view value) {
  text += ",\"";
  text += name;
  text += "\":";
  appendQuoted(text, value);
}

static void addIfAny(std::string &text, std::string_view name,
                     std::string_view value) {
  if (!value.empty())
    add(text, name, value);
}

static void add(std::string &text, std::string_view name, int64_t value) {
  text += ",\"";
  text += name;
  text += "\":" + std::to_string(value);
}

static void add(std::string &text, std::string_view name, const Key &key) {
  text += ",\"";
  text += name;
  char before = '{';
  text += "\":";
  for (const auto &[label, value] : key.fields()) {
    text += before;
    appendQuoted(text, label);
    text += ':';
    appendQuoted(text, value);
    before = ',';
  }
  text += key.fields().empty() ? "{}" : "}";
}

static void addMeasurement(std::string &text, const Record &record) {
  add(text, "device", record.device);
  add(text, "schedule", record.schedule);
  add(text, "compiler", record.compiler);
  addIfAny(text, "driver", record.driver);
  add(text, "outcome", name(record.outcome));
  if (record.outcome == Outcome::Ok) {
    add(text, "median_ns", record.medianNs);
    add(text, "mad_ns", record.madNs);
    add(text, "samples", record.samples);
  }
  addIfAny(text, "error", record.error);
  if (record.isDefault)
    text += ",\"default\":true";
  if (record.clockMHz)
    add(text, "clock_mhz", record.clockMHz);
}

/// Without its last brace.
static std::string openBody(const Record &record) {
  std::string text;
  text.reserve(1024);
  text = "{\"format\":\"attn-jit.record.v1\"";
  add(text, "problem", record.problem);
  if (record.retracts)
    add(text, "retracts", record.retracts->hex());
  else
    addMeasurement(text, record);
  add(text, "at", record.at);
  if (!record.retracts)
    add(text, "session", record.session);
  addIfAny(text, "note", record.note);
  for (const auto &[name, value] : record.later) {
    text += ',';
    appendQuoted(text, name);
    text += ':' + value;
  }
  return text;
}

std::string Record::body() const { return openBody(*this) + "}"; }

std::string Record::line() const {
  std::string text = openBody(*this);
  if (signature) {
    text += ",\"signature\":{\"key\":";
    appendQuoted(text, signature->keyId);
    add(text, "ed25519", signature->base64);
    text += '}';
  }
  return text += '}';
}
