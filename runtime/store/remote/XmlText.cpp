// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/remote/XmlText.h"

#include <algorithm>
#include <charconv>

using namespace attn_jit::store;

/// Deeper than any listing or error is, shallow enough to keep paths short.
static constexpr size_t mostDepth = 8;
static constexpr size_t mostName = 64;

static bool isSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool isNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == ':';
}

static bool appendCharacter(std::string &to, uint32_t code) {
  if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    return false;
  if (code < 0x80) {
    to += char(code);
    return true;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static constexpr int lead[] = {0, 0xc0, 0xe0, 0xf0};
  to += char(lead[more] | (code >> (6 * more)));
  for (int shift = 6 * (more - 1); shift >= 0; shift -= 6)
    to += char(0x80 | ((code >> shift) & 0x3f));
  return true;
}

static std::optional<std::string> decode(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t plain = std::min(text.find('&'), text.size());
    result.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty())
      break;
    const size_t end = text.find(';');
    if (end == text.npos)
      return std::nullopt;
    std::string_view entity = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    static constexpr std::pair<std::string_view, char> named[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    const auto known =
        std::find_if(std::begin(named), std::end(named),
                     [&](const auto &one) { return one.first == entity; });
    if (known != std::end(named)) {
      result += known->second;
      continue;
    }
    if (!entity.starts_with('#'))
      return std::nullopt;
    entity.remove_prefix(1);
    const bool hexadecimal = entity.starts_with('x');
    entity.remove_prefix(hexadecimal);
    uint32_t code = 0;
    const char *stop = entity.data() + entity.size();
    const auto [to, error] =
        std::from_chars(entity.data(), stop, code, hexadecimal ? 16 : 10);
    if (error != std::errc() || to != stop || !appendCharacter(result, code))
      return std::nullopt;
  }
  return result;
}

namespace {

class Reader {
public:
  explicit Reader(std::string_view xml) : rest(xml) {}

  std::optional<std::vector<XmlText>> read() {
    if (rest.starts_with("\xef\xbb\xbf"))
      rest.remove_prefix(3);
    if (rest.starts_with("<?xml")) {
      const size_t end = rest.find("?>");
      if (end == rest.npos)
        return std::nullopt;
      rest.remove_prefix(end + 2);
    }
    skipSpace();
    do {
      const size_t tag = rest.find('<');
      if (tag == rest.npos || (open.empty() && tag != 0))
        return std::nullopt;
      text = rest.substr(0, tag);
      rest.remove_prefix(tag + 1);
      if (!(rest.starts_with('/') ? close() : begin()))
        return std::nullopt;
    } while (!open.empty());
    skipSpace();
    if (!rest.empty())
      return std::nullopt;
    return std::move(found);
  }

private:
  void skipSpace() {
    while (!rest.empty() && isSpace(rest.front()))
      rest.remove_prefix(1);
  }

  std::string_view takeName() {
    const auto end =
        std::find_if_not(rest.begin(), rest.end(), isNameCharacter);
    const std::string_view name = rest.substr(0, size_t(end - rest.begin()));
    rest.remove_prefix(name.size());
    return name;
  }

  void add(std::string decoded) {
    std::string path;
    for (std::string_view name : open)
      path.append(path.empty() ? "" : "/").append(name);
    found.push_back({std::move(path), std::move(decoded)});
  }

  bool begin() {
    const std::string_view name = takeName();
    if (name.empty() || name.size() > mostName || open.size() == mostDepth)
      return false;
    // Text beside elements has no meaning in these replies but as line breaks.
    if (!std::all_of(text.begin(), text.end(), isSpace))
      return false;
    open.push_back(name);
    leaf = true;
    // Attributes are names of XML namespaces; none is of interest.
    const size_t end = rest.find_first_of("<>");
    if (end == rest.npos || rest[end] == '<')
      return false;
    const bool empty = end > 0 && rest[end - 1] == '/';
    rest.remove_prefix(end + 1);
    if (!empty)
      return true;
    add("");
    open.pop_back();
    leaf = false;
    return true;
  }

  bool close() {
    rest.remove_prefix(1);
    const std::string_view name = takeName();
    skipSpace();
    if (open.empty() || open.back() != name || !rest.starts_with('>'))
      return false;
    rest.remove_prefix(1);
    if (!leaf && !std::all_of(text.begin(), text.end(), isSpace))
      return false;
    auto decoded = leaf ? decode(text) : std::string();
    if (!decoded)
      return false;
    add(std::move(*decoded));
    open.pop_back();
    leaf = false;
    return true;
  }

  std::string_view rest, text;
  std::vector<std::string_view> open;
  bool leaf = false; ///< nothing but text since the last begin
  std::vector<XmlText> found;
};

} // namespace

std::optional<std::vector<XmlText>>
attn_jit::store::readXml(std::string_view xml) {
  return Reader(xml).read();
}
