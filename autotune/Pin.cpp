// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pins as JSON and back. Every field must be there and of its kind; what is
// unknown is refused, since a job must not run by half of what was frozen.
#include "autotune/Pin.h"
#include "runtime/JsonDepth.h"
#include "runtime/Printable.h"
#include "runtime/store/files/FileHandle.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <initializer_list>
#include <nlohmann/json.hpp>

using namespace attn_jit;
using namespace attn_jit::tune;
using Json = nlohmann::ordered_json;

static constexpr const char *kFormat = "attn-jit.pin.v1";

static store::Key keyOf(const PinEnvironment &environment) {
  store::Key key;
  key.add("compiler", environment.compiler);
  key.add("driver", environment.driver);
  for (const auto &[label, value] : environment.device.fields())
    key.add("device_" + label, value);
  return key;
}

store::Digest PinEnvironment::digest() const { return keyOf(*this).digest(); }

const std::string *Pin::find(const store::Digest &problem) const {
  const auto found = choices.find(problem);
  return found == choices.end() ? nullptr : &found->second.schedule;
}

void Pin::set(const store::Key &problem, const std::string &schedule) {
  choices.insert_or_assign(problem.digest(), Choice{problem, schedule});
}

void Pin::each(const std::function<void(const store::Key &,
                                        const std::string &)> &visit) const {
  for (const auto &[digest, choice] : choices)
    visit(choice.problem, choice.schedule);
}

rt::Status Pin::holdsIn(const PinEnvironment &here,
                        const std::string &name) const {
  if (made.digest() == here.digest())
    return rt::success();
  std::string text;
  for (const auto &each : store::difference(keyOf(made), keyOf(here))) {
    auto shown = [](const std::optional<std::string> &value) {
      return value ? rt::inQuotes(*value) : std::string("nothing");
    };
    text += (text.empty() ? "" : ", ") + each.label + " " + shown(each.wanted) +
            ", which is " + shown(each.there) + " here";
  }
  return rt::badInput("pin: " + rt::inQuotes(name) + " given, made for " +
                      text + "; allowed: one of this environment");
}

static Json objectOf(const store::Key &key) {
  Json object = Json::object();
  for (const auto &[label, value] : key.fields())
    object[label] = value;
  return object;
}

std::string Pin::text() const {
  Json json;
  json["format"] = kFormat;
  json["environment"] = {{"digest", made.digest().hex()},
                         {"compiler", made.compiler},
                         {"driver", made.driver},
                         {"device", objectOf(made.device)}};
  json["choices"] = Json::array();
  for (const auto &[digest, choice] : choices)
    json["choices"].push_back({{"digest", digest.hex()},
                               {"problem", objectOf(choice.problem)},
                               {"schedule", choice.schedule}});
  return json.dump(2, ' ', /*ensure_ascii=*/true,
                   Json::error_handler_t::replace) +
         "\n";
}

namespace {
class Reader {
public:
  explicit Reader(const std::string &name) : name(name) {}

  rt::Result<Pin> pin(const Json &json) const {
    ATTN_CHECK(fields(json, "", {"format", "environment", "choices"}));
    ATTN_TRY(const std::string format, text(json, "", "format"));
    if (format != kFormat)
      return refused("format", rt::inQuotes(format), kFormat);
    ATTN_TRY(PinEnvironment environment, environmentOf(json["environment"]));
    Pin pin(std::move(environment));
    const Json &choices = json["choices"];
    if (!choices.is_array())
      return refused("choices", "no list", "a list");
    for (size_t i = 0; i < choices.size(); ++i) {
      const std::string at = "choices[" + std::to_string(i) + "].";
      ATTN_CHECK(fields(choices[i], at, {"digest", "problem", "schedule"}));
      ATTN_TRY(const store::Key problem,
               key(choices[i]["problem"], at, "problem"));
      ATTN_CHECK(digestIs(choices[i], at, problem.digest()));
      ATTN_TRY(const std::string schedule, text(choices[i], at, "schedule"));
      if (schedule.empty())
        return refused(at + "schedule", "nothing", "a schedule's text");
      if (pin.find(problem.digest()))
        return refused(at + "digest", "one that stands twice", "each once");
      pin.set(problem, schedule);
    }
    return pin;
  }

  rt::Error refused(const std::string &field, const std::string &given,
                    const std::string &allowed) const {
    return rt::badInput("pin: " + rt::inQuotes(name) + ": " + field + ": " +
                        given + " given, allowed: " + allowed);
  }

private:
  rt::Result<PinEnvironment> environmentOf(const Json &json) const {
    const std::string at = "environment.";
    ATTN_CHECK(fields(json, at, {"digest", "compiler", "driver", "device"}));
    PinEnvironment environment;
    ATTN_TRY(environment.compiler, text(json, at, "compiler"));
    ATTN_TRY(environment.driver, text(json, at, "driver"));
    ATTN_TRY(environment.device, key(json["device"], at, "device"));
    ATTN_CHECK(digestIs(json, at, environment.digest()));
    return environment;
  }

  rt::Status digestIs(const Json &json, const std::string &at,
                      const store::Digest &digest) const {
    ATTN_TRY(const std::string given, text(json, at, "digest"));
    return given == digest.hex()
               ? rt::success()
               : rt::Status(
                     refused(at + "digest", rt::inQuotes(given),
                             "that of what stands beside it, " + digest.hex()));
  }

  rt::Status fields(const Json &json, const std::string &at,
                    std::initializer_list<const char *> names) const {
    if (!json.is_object())
      return refused(at.empty() ? "text" : at.substr(0, at.size() - 1),
                     "no object", "an object");
    for (const char *field : names)
      if (!json.contains(field))
        return refused(at + field, "nothing", "the field");
    for (const auto &[field, value] : json.items())
      if (std::none_of(
              names.begin(), names.end(),
              [&, &own = field](const char *each) { return own == each; }))
        return refused(at + rt::printable(field), "an unknown field",
                       "the fields of " + std::string(kFormat));
    return rt::success();
  }

  rt::Result<std::string> text(const Json &json, const std::string &at,
                               const char *field) const {
    if (!json[field].is_string())
      return refused(at + field, "no text", "a text");
    return json[field].get<std::string>();
  }

  rt::Result<store::Key> key(const Json &json, const std::string &at,
                             const char *field) const {
    if (!json.is_object() || json.empty())
      return refused(at + field, "no fields", "an object of texts");
    store::Key key;
    for (const auto &[label, value] : json.items()) {
      if (!value.is_string() || label.empty() ||
          label.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") !=
              std::string::npos)
        return refused(at + field + "." + rt::printable(label),
                       "no label with a text", "such as \"head_dim\": \"64\"");
      key.add(label, value.get<std::string>());
    }
    return key;
  }

  const std::string &name;
};
} // namespace

rt::Result<Pin> Pin::parse(std::string_view text, const std::string &name) {
  const Reader reader(name);
  if (rt::nestsTooDeep(text))
    return reader.refused("text", "too many levels", "those of a pin");
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded())
    return reader.refused("text", "no JSON",
                          "a pin, as attn-jit tune --pin "
                          "writes it");
  return reader.pin(json);
}

rt::Result<Pin> Pin::load(const std::string &path) {
  const store::FileHandle file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    const std::string text =
        "pin: " + rt::inQuotes(path) +
        " given, which cannot be read: " + std::strerror(errno);
    return errno == ENOENT ? rt::notFound(text) : rt::badInput(text);
  }
  auto text = file.readAll(mostBytes);
  if (!text)
    return rt::badInput("pin: " + rt::inQuotes(path) +
                        " given, which cannot be read: " + text.error().text);
  return parse(*text, path);
}

rt::Result<Pin> Pin::loadOrNew(const std::string &path,
                               const PinEnvironment &environment) {
  if (environment.compiler.empty())
    return rt::unsupported("pin: given, but this build of the compiler has no "
                           "identity to hold it to");
  auto pin = load(path);
  if (!pin && pin.error().code == rt::ErrorCode::NotFound)
    return Pin(environment);
  if (pin)
    ATTN_CHECK(pin->holdsIn(environment, path));
  return pin;
}
