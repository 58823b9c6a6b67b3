// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/Key.h"

#include <cassert>
#include <nlohmann/json.hpp>

using namespace attn_jit::store;

/// Bytes that are no UTF-8 become U+FFFD, so that every value has a text.
static std::string quoted(const std::string &value) {
  return nlohmann::json(value).dump(-1, ' ', /*ensure_ascii=*/true,
                                    nlohmann::json::error_handler_t::replace);
}

bool Key::isLabel(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == text.npos;
}

void Key::add(std::string_view label, std::string_view value) {
  assert(isLabel(label) && !find(label) && "a label stands once");
  all.emplace_back(label, value);
}

const std::string *Key::find(std::string_view label) const {
  for (const Field &field : all)
    if (field.first == label)
      return &field.second;
  return nullptr;
}

std::string Key::text() const {
  std::string text;
  for (const auto &[label, value] : all)
    text += label + " " + quoted(value) + "\n";
  return text;
}

Digest Key::digest() const { return sha256("attn-jit.key.v1\n" + text()); }

std::vector<FieldDifference> attn_jit::store::difference(const Key &wanted,
                                                         const Key &there) {
  std::vector<FieldDifference> result;
  for (const auto &[label, value] : wanted.fields()) {
    const std::string *other = there.find(label);
    if (!other)
      result.push_back({label, value, std::nullopt});
    else if (*other != value)
      result.push_back({label, value, *other});
  }
  for (const auto &[label, value] : there.fields())
    if (!wanted.find(label))
      result.push_back({label, std::nullopt, value});
  return result;
}
