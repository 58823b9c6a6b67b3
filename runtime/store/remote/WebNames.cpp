// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/remote/WebNames.h"

#include "runtime/Printable.h"

#include <algorithm>

using namespace attn_jit;
using namespace attn_jit::store;
using rt::badInput;
using rt::inQuotes;

static bool isAlpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static bool isDigit(char c) { return c >= '0' && c <= '9'; }
static bool isUnreserved(char c) {
  return isAlpha(c) || isDigit(c) || c == '-' || c == '.' || c == '_' ||
         c == '~';
}

static bool isHexDigit(char c) {
  return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::string store::percentEncoded(std::string_view text, bool slashes) {
  static const char digits[] = "0123456789ABCDEF";
  std::string result;
  for (char c : text)
    if (isUnreserved(c) || (slashes && c == '/'))
      result += c;
    else
      result += {'%', digits[(c >> 4) & 15], digits[c & 15]};
  return result;
}

/// The length of the character at the front; 0: it is no UTF-8, or of a form
/// longer than it must be.
static size_t characterLength(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xc2 ? 0
                        : lead < 0xe0 ? 2
                        : lead < 0xf0 ? 3
                        : lead < 0xf5 ? 4
                                      : 0;
  if (length > text.size())
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((text[i] & 0xc0) != 0x80)
      return 0;
  if (length > 1) {
    const auto next = static_cast<unsigned char>(text[1]);
    if ((lead == 0xe0 && next < 0xa0) || (lead == 0xed && next >= 0xa0) ||
        (lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next >= 0x90))
      return 0;
  }
  return length;
}

static bool hasEmptyOrDots(std::string_view parts) {
  for (size_t i = 0; i <= parts.size();) {
    const std::string_view part = parts.substr(i, parts.find('/', i) - i);
    if (part.empty() || part == "." || part == "..")
      return true;
    i += part.size() + 1;
  }
  return false;
}

rt::Status store::checkPrefix(std::string_view prefix) {
  static constexpr size_t most = 200;
  if (prefix.empty())
    return rt::success();
  if (prefix.size() > most)
    return badInput("prefix: " + inQuotes(prefix) +
                    " given, allowed: at most 200 bytes");
  for (size_t i = 0; i < prefix.size();) {
    const size_t length = characterLength(prefix.substr(i));
    if (!length || static_cast<unsigned char>(prefix[i]) < 0x20 ||
        prefix[i] == 0x7f)
      return badInput("prefix: " + inQuotes(prefix) +
                      " given, allowed: UTF-8 without control characters");
    i += length;
  }
  if (hasEmptyOrDots(prefix))
    return badInput("prefix: " + inQuotes(prefix) +
                    " given, allowed: names between slashes, none of them "
                    "empty, '.' or '..'");
  return rt::success();
}

rt::Result<std::string> store::checkedPath(std::string_view path) {
  while (path.ends_with('/'))
    path.remove_suffix(1);
  const auto decoded = percentDecoded(path);
  const bool plain = std::all_of(path.begin(), path.end(), [](char c) {
    return c == '%' || c == '/' || isUnreserved(c) ||
           std::string_view("!$&'()*+,;=:").find(c) != std::string_view::npos;
  });
  if (!decoded || !plain ||
      (!path.empty() && hasEmptyOrDots(decoded->substr(1))))
    return badInput("path: " + inQuotes(path) +
                    " given, allowed: names between slashes, none of them "
                    "empty, '.' or '..', other letters as %XX");
  return std::string(path);
}

rt::Result<std::string> store::serverOf(const Url &url) {
  const bool six = url.host.find(':') != std::string::npos;
  const bool plain = std::all_of(url.host.begin(), url.host.end(), [&](char c) {
    return six ? isHexDigit(c) || c == ':' || c == '.'
               : isUnreserved(c) && c != '~';
  });
  if (url.host.empty() || url.host[0] == '-' || !plain)
    return badInput("host: " + inQuotes(url.host) +
                    " given, allowed: a name or an address");
  return url.scheme + "://" + (six ? "[" + url.host + "]" : url.host) +
         (url.port ? ":" + std::to_string(url.port) : "");
}
