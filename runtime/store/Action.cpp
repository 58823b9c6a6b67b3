// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/Action.h"
#include "runtime/JsonDepth.h"

#include <nlohmann/json.hpp>

using namespace attn_jit;
using namespace attn_jit::store;
using Json = nlohmann::ordered_json;

static constexpr const char *format = "attn-jit.action.v1";
/// Signatures of one action; more is no honest text.
static constexpr size_t mostSignatures = 16;

static Json toJson(const Action &action) {
  Json key = Json::object();
  for (const auto &[label, value] : action.key.fields())
    key[label] = value;
  Json body;
  body["format"] = format;
  body["key"] = std::move(key);
  body["kind"] = action.kind;
  body["object"] = action.object.hex();
  body["bytes"] = action.bytes;
  body["manifest"] = action.manifest;
  return body;
}

std::string Action::body() const {
  return toJson(*this).dump(-1, ' ', /*ensure_ascii=*/true,
                            Json::error_handler_t::replace);
}

std::string Action::text() const {
  std::string text = body() + "\n";
  for (const Signature &signature : signatures)
    text +=
        "signature ed25519 " + signature.keyId + " " + signature.base64 + "\n";
  return text;
}

static rt::Error refused(const char *what) {
  return rt::badInput(std::string("action: ") + what);
}

static rt::Result<Signature> parseSignature(std::string_view line) {
  constexpr std::string_view head = "signature ed25519 ";
  if (!line.starts_with(head))
    return refused("a line after the body is no signature");
  line.remove_prefix(head.size());
  const size_t space = line.find(' ');
  if (space == 0 || space == std::string_view::npos || space + 1 == line.size())
    return refused("a signature has no key id and text");
  return Signature{std::string(line.substr(0, space)),
                   std::string(line.substr(space + 1))};
}

rt::Result<Action> Action::parse(std::string_view text) {
  if (text.size() > most)
    return refused("it is larger than 4 MiB");
  const size_t end = text.find('\n');
  if (end == std::string_view::npos || text.back() != '\n')
    return refused("its last line does not end");
  const std::string_view line = text.substr(0, end);
  if (rt::nestsTooDeep(line))
    return refused("the body is nested too deeply");
  const Json body = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  auto textOf = [&](const char *field) -> const std::string * {
    auto found = body.find(field);
    return found == body.end() ? nullptr
                               : found->get_ptr<const std::string *>();
  };
  if (!body.is_object() || !textOf("format") || *textOf("format") != format)
    return refused("the body is no attn-jit.action.v1");
  Action action;
  const std::string *object = textOf("object");
  auto digest = object ? Digest::parse(*object) : std::nullopt;
  auto key = body.find("key"), bytes = body.find("bytes");
  if (!digest || key == body.end() || !key->is_object() || key->empty() ||
      bytes == body.end() || !bytes->is_number_unsigned() || !textOf("kind") ||
      !textOf("manifest"))
    return refused("the body lacks a field");
  for (const auto &[label, value] : key->items()) {
    // Two keys would have one text if a label might hold a line's end.
    if (!Key::isLabel(label))
      return refused("a label of the key is not of a to z and _");
    if (!value.is_string() || action.key.find(label))
      return refused("the key is not of texts, each once");
    action.key.add(label, value.get_ref<const std::string &>());
  }
  action.kind = *textOf("kind");
  action.object = *digest;
  action.bytes = bytes->get<int64_t>();
  action.manifest = *textOf("manifest");
  for (text.remove_prefix(end + 1); !text.empty();) {
    const size_t next = text.find('\n');
    ATTN_TRY(Signature signature, parseSignature(text.substr(0, next)));
    action.signatures.push_back(std::move(signature));
    if (action.signatures.size() > mostSignatures)
      return refused("it has more than 16 signatures");
    text.remove_prefix(next + 1);
  }
  if (action.body() != line)
    return refused("the body is not the one text of what it says");
  return action;
}

bool store::travels(const Action &action) { return action.kind != "cubin"; }
