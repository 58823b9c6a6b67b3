// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Plain strings and integers, which are nearly all of a record, are read here:
// a query reads a hundred records in half a millisecond. What needs escapes or
// nests is the JSON library's, and stands if that would write the same text.
#include "runtime/store/CanonicalJson.h"
#include "runtime/JsonDepth.h"

#include <algorithm>
#include <nlohmann/json.hpp>

using namespace attn_jit;
using namespace attn_jit::store;
using Json = nlohmann::ordered_json;

static constexpr int64_t largest = (int64_t(1) << 53) - 1;

static bool isPlain(char c) {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static std::string textOf(const Json &json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/true,
                   Json::error_handler_t::replace);
}

void attn_jit::store::appendQuoted(std::string &text, std::string_view value) {
  for (char c : value)
    if (!isPlain(c)) {
      text += textOf(Json(value));
      return;
    }
  text += '"';
  text += value;
  text += '"';
}

bool CanonicalScanner::take(std::string_view expected) {
  if (!rest.starts_with(expected))
    return false;
  rest.remove_prefix(expected.size());
  return true;
}

std::string_view CanonicalScanner::quoted() const {
  if (!rest.starts_with('"'))
    return {};
  for (size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"')
      return rest.substr(0, i + 1);
    i += rest[i] == '\\'; // the next character ends nothing
  }
  return {};
}

std::optional<std::string> CanonicalScanner::string() {
  const std::string_view token = quoted();
  if (token.empty())
    return std::nullopt;
  const std::string_view inside = token.substr(1, token.size() - 2);
  std::string result;
  if (std::all_of(inside.begin(), inside.end(), isPlain)) {
    result = inside;
  } else {
    const Json json = Json::parse(token, nullptr, /*allow_exceptions=*/false);
    if (!json.is_string() || textOf(json) != token)
      return std::nullopt;
    result = json.get_ref<const std::string &>();
  }
  rest.remove_prefix(token.size());
  return result;
}

std::optional<int64_t> CanonicalScanner::integer() {
  size_t length = 0;
  int64_t value = 0;
  for (; length < rest.size() && rest[length] >= '0' && rest[length] <= '9';
       ++length) {
    value = value * 10 + (rest[length] - '0');
    if (value > largest)
      return std::nullopt;
  }
  if (length == 0 || (rest[0] == '0' && length > 1))
    return std::nullopt;
  rest.remove_prefix(length);
  return value;
}

/// Of the last digit some libraries think otherwise than others.
static bool holdsOnlyIntegers(const Json &json) {
  if (json.is_structured()) {
    for (const Json &each : json)
      if (!holdsOnlyIntegers(each))
        return false;
    return true;
  }
  if (json.is_number_unsigned())
    return json.get<uint64_t>() <= uint64_t(largest);
  if (json.is_number_integer())
    return json.get<int64_t>() >= -largest;
  return !json.is_number();
}

std::optional<std::string_view> CanonicalScanner::value() {
  size_t length = 0;
  for (int depth = 0; length < rest.size(); ++length) {
    const char c = rest[length];
    if (depth == 0 && (c == ',' || c == ']' || c == '}'))
      break;
    if (c == '"') {
      CanonicalScanner inner(rest.substr(length));
      const size_t token = inner.quoted().size();
      if (token == 0)
        return std::nullopt;
      length += token - 1;
    }
    depth += c == '[' || c == '{';
    depth -= c == ']' || c == '}';
  }
  const std::string_view token = rest.substr(0, length);
  if (rt::nestsTooDeep(token))
    return std::nullopt;
  const Json json = Json::parse(token, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !holdsOnlyIntegers(json) || textOf(json) != token)
    return std::nullopt;
  rest.remove_prefix(length);
  return token;
}
