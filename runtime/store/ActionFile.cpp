// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/ActionFile.h"

#include <algorithm>

using namespace attn_jit::store;

static constexpr std::string_view originLabel = "origin ";

static std::string lastLine(std::string_view before) {
  return "sha256 " + sha256(before).hex() + "\n";
}
static constexpr size_t lastLineBytes = sizeof "sha256 \n" - 1 + 64;

bool attn_jit::store::isOrigin(std::string_view text) {
  if (text.empty() || text.size() > mostOriginBytes ||
      std::ranges::any_of(text, [](unsigned char c) { return c <= ' '; }))
    return false;
  const size_t scheme = text.find("://");
  const std::string_view rest =
      scheme == std::string_view::npos ? text : text.substr(scheme + 3);
  return rest.substr(0, rest.find('/')).find('@') == std::string_view::npos;
}

std::string attn_jit::store::packAction(const Action &action, Place place,
                                        std::string_view origin) {
  std::string text;
  if (place == Place::Foreign)
    text.append(originLabel).append(origin) += '\n';
  text += action.text();
  return text + lastLine(text);
}

std::optional<ActionFile> attn_jit::store::unpackAction(std::string_view text,
                                                        Place place,
                                                        const Digest &key) {
  ActionFile file;
  if (text.size() < lastLineBytes)
    return std::nullopt;
  const std::string_view last = text.substr(text.size() - lastLineBytes);
  text.remove_suffix(lastLineBytes);
  if (last != lastLine(text))
    return std::nullopt;
  if (place == Place::Foreign) {
    const size_t end = text.find('\n');
    if (!text.starts_with(originLabel) || end == std::string_view::npos)
      return std::nullopt;
    file.origin = text.substr(originLabel.size(), end - originLabel.size());
    if (!isOrigin(file.origin))
      return std::nullopt;
    text.remove_prefix(end + 1);
  }
  auto action = Action::parse(text);
  if (!action || action->key.digest() != key)
    return std::nullopt;
  file.action = std::move(*action);
  return file;
}
