// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/remote/Url.h"
#include "runtime/Printable.h"

#include <algorithm>
#include <charconv>

using namespace attn_jit;
using namespace attn_jit::store;

static bool isSchemeLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '-' || c == '.';
}

static std::string lower(std::string_view text) {
  std::string result(text);
  for (char &c : result)
    if (c >= 'A' && c <= 'Z')
      c = char(c - 'A' + 'a');
  return result;
}

std::optional<std::string>
attn_jit::store::percentDecoded(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    unsigned value = 0;
    auto [end, code] = std::from_chars(
        digits.data(), digits.data() + digits.size(), value, 16);
    if (code != std::errc() || digits.size() != 2 || end != digits.data() + 2 ||
        value < 0x20 || value == 0x7f)
      return std::nullopt;
    result += char(value);
    i += 2;
  }
  return result;
}

static std::string schemeOf(std::string_view url) {
  const size_t end = url.find("://");
  if (end == 0 || end == std::string_view::npos)
    return {};
  std::string scheme = lower(url.substr(0, end));
  return std::all_of(scheme.begin(), scheme.end(), isSchemeLetter) ? scheme
                                                                   : "";
}

std::string attn_jit::store::withoutCredentials(std::string_view url) {
  const std::string scheme = schemeOf(url);
  if (scheme.empty())
    return "(no URL)";
  std::string_view rest = url.substr(scheme.size() + 3);
  // A folder has no credentials, and an "@" there is a letter.
  if (scheme != "file") {
    rest = rest.substr(0, rest.find_first_of("?#"));
    // Behind the last "@": a "/" in a password may not be encoded.
    if (const size_t at = url.rfind('@'); at != std::string_view::npos)
      rest = at < scheme.size() + 3 + rest.size()
                 ? rest.substr(at - scheme.size() - 3 + 1)
                 : std::string_view("...");
    // What should be a port may be a password whose "@" came after a blank.
    const size_t end = std::min(rest.find('/'), rest.size());
    const size_t colon = rest.substr(0, end).rfind(':');
    if (colon != std::string_view::npos && !rest.starts_with('[') &&
        rest.find_first_not_of("0123456789", colon + 1) < end)
      rest = rest.substr(0, colon);
  }
  return scheme + "://" + rt::printable(rest, 200);
}

static rt::Error refused(std::string_view url, const std::string &what,
                         const std::string &allowed) {
  return rt::badInput("remote " + withoutCredentials(url) + ": " + what +
                      " given, allowed: " + allowed);
}

static rt::Status readCredentials(std::string_view text, std::string_view all,
                                  Url &url) {
  const size_t colon = text.find(':');
  auto user = percentDecoded(text.substr(0, colon));
  auto password = colon == std::string_view::npos
                      ? std::string()
                      : percentDecoded(text.substr(colon + 1));
  if (!user || !password)
    return refused(all,
                   "credentials: a '%' without two digits of a printable byte",
                   "percent-encoded text");
  url.user = std::move(*user);
  url.password = std::move(*password);
  return rt::success();
}

static rt::Status readHost(std::string_view text, std::string_view all,
                           Url &url) {
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos)
      return refused(all, "host: a '[' without ']'", "[IPv6 address]");
    url.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && !port.starts_with(':'))
      return refused(all, "host: text behind ']'", "[IPv6 address]:port");
  } else {
    const size_t colon = text.find(':');
    url.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? "" : text.substr(colon);
  }
  for (char c : url.host)
    if (c <= ' ' || c >= 0x7f || c == '%')
      return refused(all, "host: a byte that no name has", "a host's name");
  if (port.empty())
    return rt::success();
  port.remove_prefix(1);
  auto [end, code] =
      std::from_chars(port.data(), port.data() + port.size(), url.port);
  // The text is not repeated: without an "@" it may be a password.
  if (code != std::errc() || end != port.data() + port.size() || url.port < 1 ||
      url.port > 65535)
    return refused(all, "port: something else", "1 to 65535");
  return rt::success();
}

rt::Result<Url> Url::parse(std::string_view text) {
  Url url;
  url.scheme = schemeOf(text);
  if (url.scheme.empty())
    return refused(text, "scheme: none", "one, as in redis://host:6379/0");
  std::string_view rest = text.substr(url.scheme.size() + 3);
  if (const size_t query = rest.find('?'); query != std::string_view::npos) {
    url.query = rest.substr(query + 1);
    rest = rest.substr(0, query);
  }
  const size_t slash = rest.find('/');
  if (slash != std::string_view::npos)
    url.path = rest.substr(slash);
  std::string_view authority = rest.substr(0, slash);
  const size_t at = authority.rfind('@');
  // "redis://user:pa/ss@host": the host would be the user.
  if (at == std::string_view::npos && url.scheme != "file" &&
      authority.find(':') != std::string_view::npos &&
      rest.find('@') != std::string_view::npos)
    return refused(text, "credentials: a '/' that is not encoded", "%2F");
  if (at != std::string_view::npos) {
    ATTN_CHECK(readCredentials(authority.substr(0, at), text, url));
    authority.remove_prefix(at + 1);
  }
  ATTN_CHECK(readHost(authority, text, url));
  return url;
}

std::string Url::hostAndPort(int defaultPort) const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" +
         std::to_string(port ? port : defaultPort);
}

std::string attn_jit::store::withoutSecret(std::string text,
                                           std::string_view secret) {
  if (secret.empty())
    return text;
  for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos;
       at += 3)
    text.replace(at, secret.size(), "***");
  return text;
}
