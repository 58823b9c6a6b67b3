// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lines of a key file (Trust.h has the grammar).
#include "runtime/Printable.h"
#include "runtime/store/trust/Signing.h"

#include <algorithm>
#include <sodium.h>

using namespace attn_jit;
using namespace attn_jit::store;

static constexpr size_t mostOfLine = 1024, idLength = 16;
static constexpr std::string_view keyHead = "ed25519 ",
                                  revokedHead = "revoked ";

/// Names and reasons stand in messages: UTF-8 may, control characters may not.
static bool hasControl(std::string_view text) {
  return std::ranges::any_of(
      text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

static bool isKeyId(std::string_view text) {
  return text.size() == idLength && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// `rest` loses its first word and the space behind it.
static std::string_view firstWord(std::string_view &rest) {
  const size_t space = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(std::min(space + 1, rest.size()));
  return word;
}

std::string TrustedKey::id() const {
  return sha256({reinterpret_cast<const char *>(bytes.data()), bytes.size()})
      .hex()
      .substr(0, idLength);
}

std::string TrustedKey::line() const {
  return std::string(keyHead) + base64(bytes) + (name.empty() ? "" : " ") +
         name;
}

rt::Result<TrustedKey> TrustedKey::parse(std::string_view line) {
  if (!line.starts_with(keyHead))
    return rt::badInput("a key is 'ed25519', base64 of 32 bytes and a name");
  line.remove_prefix(keyHead.size());
  TrustedKey key;
  const std::string_view text = firstWord(line);
  if (!readBase64(text, key.bytes))
    return rt::badInput(rt::inQuotes(text) + " is no base64 of 32 bytes");
  if (!crypto_core_ed25519_is_valid_point(key.bytes.data()))
    return rt::badInput(rt::inQuotes(text) + " is no Ed25519 key");
  if (hasControl(line) || key.line().size() + line.size() + 1 > mostOfLine)
    return rt::badInput("a key's name is a text of one line, of at most " +
                        std::to_string(mostOfLine) + " bytes with its key");
  key.name = line;
  return key;
}

std::string Revocation::line() const {
  return std::string(revokedHead) + keyId + (why.empty() ? "" : " ") + why;
}

rt::Result<Revocation> Revocation::parse(std::string_view line) {
  const size_t size = line.size();
  if (!line.starts_with(revokedHead))
    return rt::badInput("a revocation is 'revoked', a key id and a reason");
  line.remove_prefix(revokedHead.size());
  const std::string_view id = firstWord(line);
  if (!isKeyId(id))
    return rt::badInput(rt::inQuotes(id) +
                        " is no key id: 16 hexadecimal digits in lower case");
  if (hasControl(line) || size > mostOfLine)
    return rt::badInput(
        "a reason is a text of one line, of at most " +
        std::to_string(mostOfLine - revokedHead.size() - idLength - 1) +
        " bytes");
  return Revocation{std::string(id), std::string(line)};
}

rt::Result<TrustedKeys> TrustedKeys::parse(std::string_view text,
                                           const std::string &name) {
  TrustedKeys keys;
  int number = 0;
  auto refused = [&](const std::string &why) {
    return rt::badInput(rt::printable(name, 200) + ": line " +
                        std::to_string(number) + ": " + why);
  };
  while (!text.empty()) {
    ++number;
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (line.size() > mostOfLine)
      return refused("it has more than 1024 bytes");
    if (hasControl(line))
      return refused("it holds a control character");
    if (line.empty() || line.starts_with('#'))
      continue;
    if (line.starts_with(keyHead)) {
      auto key = TrustedKey::parse(line);
      if (!key)
        return refused(key.error().text);
      if (std::ranges::find(keys.listed, key->bytes, &TrustedKey::bytes) ==
          keys.listed.end())
        keys.listed.push_back(std::move(*key));
    } else if (line.starts_with(revokedHead)) {
      auto revocation = Revocation::parse(line);
      if (!revocation)
        return refused(revocation.error().text);
      if (!keys.revoked(revocation->keyId))
        keys.revokedOnes.push_back(std::move(*revocation));
    } else {
      return refused(rt::inQuotes(firstWord(line)) +
                     " is none of ed25519, revoked and #");
    }
  }
  return keys;
}
