// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Typed access to untrusted JSON: each function gives a value or the one line
// that names the field, what was given and what is allowed.
#ifndef ATTN_JIT_RUNTIME_MANIFESTREADER_H
#define ATTN_JIT_RUNTIME_MANIFESTREADER_H

#include "runtime/Manifest.h"
#include "runtime/Printable.h"

#include <nlohmann/json.hpp>

namespace attn_jit::rt {

using Json = nlohmann::json;

/// What was given, short enough for a line.
inline std::string excerpt(const Json &json) {
  std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() <= 60)
    return text;
  if (json.is_array())
    return "an array of " + std::to_string(json.size());
  if (json.is_object())
    return "an object of " + std::to_string(json.size());
  return printable(text, 60);
}

inline Error fieldError(const std::string &field, const Json &given,
                        const std::string &allowed) {
  return badInput("manifest: " + field + ": " + excerpt(given) +
                  " given, allowed: " + allowed);
}

/// The member, or null where there is none or `object` is no object.
inline const Json *member(const Json &object, const char *key) {
  if (!object.is_object())
    return nullptr;
  auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

/// What stands for a missing member; a reference that outlives the call.
inline const Json &orNull(const Json *json) {
  static const Json null;
  return json ? *json : null;
}

inline Result<const Json *> required(const Json &object, const char *key,
                                     const std::string &allowed) {
  if (const Json *json = member(object, key))
    return json;
  return badInput("manifest: " + std::string(key) +
                  ": nothing given, allowed: " + allowed);
}

inline Result<int64_t> readInteger(const Json &json, const std::string &field,
                                   int64_t least, int64_t most) {
  const std::string allowed = "an integer from " + std::to_string(least) +
                              " to " + std::to_string(most);
  // Above int64 nlohmann holds the number as unsigned; it is out of range.
  if (!json.is_number_integer() ||
      (json.is_number_unsigned() && json.get<uint64_t>() > uint64_t(most)))
    return fieldError(field, json, allowed);
  const int64_t value = json.get<int64_t>();
  if (value < least || value > most)
    return fieldError(field, json, allowed);
  return value;
}

inline Result<std::string> readString(const Json &json,
                                      const std::string &field, size_t most,
                                      bool mayBeEmpty = true) {
  if (!json.is_string() || json.get_ref<const std::string &>().size() > most ||
      (!mayBeEmpty && json.get_ref<const std::string &>().empty()))
    return fieldError(field, json,
                      "a string of " + std::string(mayBeEmpty ? "0" : "1") +
                          " to " + std::to_string(most) + " bytes");
  return json.get<std::string>();
}

inline Result<const Json *> readArray(const Json &json,
                                      const std::string &field, size_t least,
                                      size_t most) {
  if (!json.is_array() || json.size() < least || json.size() > most)
    return fieldError(field, json,
                      "an array of " +
                          (least == most ? std::to_string(least)
                                         : std::to_string(least) + " to " +
                                               std::to_string(most)) +
                          " elements");
  return &json;
}

/// The parts with a grammar of their own (ManifestRules.cpp).
Result<GridRule> readGridRule(const Json &json, const std::string &field);
Result<Requirement> readRequirement(const Json &json, const std::string &field);
Result<Argument> readArgument(const Json &json, const std::string &field,
                              const Manifest &manifest);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_MANIFESTREADER_H
