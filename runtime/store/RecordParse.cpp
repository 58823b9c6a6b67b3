// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of fields is that of one table, by which a line is read; line() is
// what it is held to afterwards, so the two cannot drift apart.
#include "runtime/store/CanonicalJson.h"
#include "runtime/store/Record.h"

#include <algorithm>
#include <sodium.h>

using namespace attn_jit;
using namespace attn_jit::store;

static constexpr std::string_view head = "{\"format\":\"attn-jit.record.v1\"";

static bool read(CanonicalScanner &in, std::string &value) {
  auto text = in.string();
  if (!text || text->empty())
    return false;
  value = std::move(*text);
  return true;
}

static bool read(CanonicalScanner &in, int64_t &value) {
  const auto number = in.integer();
  value = number.value_or(0);
  return number.has_value();
}

static bool isLabel(std::string_view label) {
  return !label.empty() && std::ranges::all_of(label, [](char c) {
    return (c >= 'a' && c <= 'z') || c == '_';
  });
}

static bool read(CanonicalScanner &in, Key &key) {
  if (!in.take("{"))
    return false;
  do {
    const auto label = in.string();
    if (!label || !isLabel(*label) || key.find(*label) || !in.take(":"))
      return false;
    const auto value = in.string();
    if (!value)
      return false;
    key.add(*label, *value);
  } while (in.take(","));
  return in.take("}");
}

static bool read(CanonicalScanner &in, Outcome &outcome) {
  const std::string text = in.string().value_or("");
  for (Outcome each : {Outcome::Ok, Outcome::Illegal, Outcome::CompileFailed,
                       Outcome::LaunchFailed, Outcome::Wrong, Outcome::TimedOut,
                       Outcome::Crashed, Outcome::Throttled})
    if (name(each) == text) {
      outcome = each;
      return true;
    }
  return false;
}

static bool read(CanonicalScanner &in, std::optional<Digest> &digest) {
  digest = Digest::parse(in.string().value_or(""));
  return digest.has_value();
}

/// As "2026-11-28T03:41:19Z", digits inside their ranges.
static bool isTime(std::string_view text) {
  constexpr std::string_view form = "0000-00-00T00:00:00Z";
  if (text.size() != form.size())
    return false;
  for (size_t i = 0; i < form.size(); ++i)
    if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
      return false;
  auto pair = [&](size_t at) {
    return (text[at] - '0') * 10 + text[at + 1] - '0';
  };
  return pair(5) >= 1 && pair(5) <= 12 && pair(8) >= 1 && pair(8) <= 31 &&
         pair(11) <= 23 && pair(14) <= 59 && pair(17) <= 59;
}

/// A key id of 16 hexadecimal digits, and 64 bytes.
static bool read(CanonicalScanner &in, std::optional<Signature> &signature) {
  Signature given;
  unsigned char bytes[64];
  size_t count = 0;
  if (!in.take("{\"key\":") || !read(in, given.keyId) ||
      !in.take(",\"ed25519\":") || !read(in, given.base64) || !in.take("}") ||
      given.keyId.size() != 16 ||
      given.keyId.find_first_not_of("0123456789abcdef") != std::string::npos ||
      sodium_base642bin(bytes, sizeof bytes, given.base64.data(),
                        given.base64.size(), nullptr, &count, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      count != sizeof bytes)
    return false;
  signature = std::move(given);
  return true;
}

namespace {
struct Field {
  std::string_view name;
  bool (*read)(CanonicalScanner &in, Record &record);
};
} // namespace

template <auto member>
static bool readInto(CanonicalScanner &in, Record &record) {
  return read(in, record.*member);
}

static bool readError(CanonicalScanner &in, Record &record) {
  return read(in, record.error) && errorValue(record.error);
}

static bool readTime(CanonicalScanner &in, Record &record) {
  return read(in, record.at) && isTime(record.at);
}

static bool readDefault(CanonicalScanner &in, Record &record) {
  return record.isDefault = in.take("true");
}

/// In their order.
static constexpr Field fields[] = {
    {"problem", readInto<&Record::problem>},
    {"retracts", readInto<&Record::retracts>},
    {"device", readInto<&Record::device>},
    {"schedule", readInto<&Record::schedule>},
    {"compiler", readInto<&Record::compiler>},
    {"driver", readInto<&Record::driver>},
    {"outcome", readInto<&Record::outcome>},
    {"median_ns", readInto<&Record::medianNs>},
    {"mad_ns", readInto<&Record::madNs>},
    {"samples", readInto<&Record::samples>},
    {"error", readError},
    {"default", readDefault},
    {"clock_mhz", readInto<&Record::clockMHz>},
    {"at", readTime},
    {"session", readInto<&Record::session>},
    {"note", readInto<&Record::note>},
};

static rt::Error refused(const std::string &what) {
  return rt::badInput("record: " + what);
}

/// Printable, whatever a stranger called it, and no longer than a line.
static std::string shown(std::string_view name) {
  std::string text;
  appendQuoted(text, name.substr(0, 40));
  return text;
}

static rt::Result<Record> readFields(std::string_view line) {
  CanonicalScanner in(line);
  Record record;
  if (!in.take(head))
    return refused("the line is no attn-jit.record.v1");
  size_t next = 0;
  while (in.take(",")) {
    const auto name = in.string();
    if (!name || !in.take(":"))
      return refused("a field has no name");
    if (*name == "signature") {
      if (!read(in, record.signature))
        return refused("\"signature\" has not the form of one");
      break;
    }
    const auto known = std::ranges::find(fields, *name, &Field::name);
    if (known != std::end(fields)) {
      const size_t place = size_t(known - std::begin(fields));
      if (place < next || !record.later.empty())
        return refused(shown(*name) + " is not in its place");
      if (!known->read(in, record))
        return refused(shown(*name) + " is not what it may be");
      next = place + 1;
      continue;
    }
    if (!isLabel(*name))
      return refused(shown(*name) + " is no name of a field");
    if (*name == "format" ||
        (!record.later.empty() && *name <= record.later.back().first))
      return refused(shown(*name) + " is not in its place");
    const auto value = in.value();
    if (!value)
      return refused(shown(*name) + " has no canonical text");
    record.later.emplace_back(*name, *value);
  }
  if (!in.take("}") || !in.atEnd())
    return refused("it does not end where it should");
  return record;
}

/// Null: every field that is needed is there.
static const char *missing(const Record &record) {
  if (record.problem.fields().empty())
    return "problem";
  if (record.at.empty())
    return "at";
  if (record.retracts)
    return nullptr;
  if (record.device.fields().empty())
    return "device";
  if (record.schedule.empty())
    return "schedule";
  if (record.compiler.empty())
    return "compiler";
  if (record.session.empty())
    return "session";
  if (record.outcome != Outcome::Ok)
    return nullptr;
  return record.medianNs == 0  ? "median_ns"
         : record.samples == 0 ? "samples"
                               : nullptr;
}

rt::Result<Record> Record::parse(std::string_view line) {
  if (line.size() > most)
    return refused("it is longer than 256 KiB");
  ATTN_TRY(Record record, readFields(line));
  if (const char *field = missing(record))
    return refused("\"" + std::string(field) + "\" is missing");
  // An outcome that was not given, a field that does not apply, a 0 that is
  // left out.
  if (record.line() != line)
    return refused("it is not the one text of what it says");
  return record;
}
