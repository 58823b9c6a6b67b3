// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The key file: read whole, edited by lines that are added at its end.
#include "runtime/Printable.h"
#include "runtime/store/OwnedFile.h"
#include "runtime/store/Signing.h"

#include <algorithm>
#include <cstdlib>
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

static rt::Result<Revocation> parseRevocation(std::string_view line) {
  line.remove_prefix(revokedHead.size());
  const std::string_view id = firstWord(line);
  if (!isKeyId(id))
    return rt::badInput(rt::inQuotes(id) +
                        " is no key id: 16 hexadecimal digits in lower case");
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
      auto revocation = parseRevocation(line);
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

rt::Result<std::string> TrustedKeys::defaultPath() {
  // secure_getenv: whoever starts a set-uid program does not choose its keys.
  auto folder = [](const char *variable) -> std::string {
    const char *value = secure_getenv(variable);
    return value ? value : "";
  };
  if (const std::string own = folder("ATTN_JIT_CONFIG"); !own.empty()) {
    if (!own.starts_with('/'))
      return rt::badInput("ATTN_JIT_CONFIG: " + rt::inQuotes(own) +
                          " is no absolute path: keys never depend on where a "
                          "program was started");
    return own + "/trusted_keys";
  }
  if (const std::string xdg = folder("XDG_CONFIG_HOME"); xdg.starts_with('/'))
    return xdg + "/attn-jit/trusted_keys";
  if (const std::string home = folder("HOME"); home.starts_with('/'))
    return home + "/.config/attn-jit/trusted_keys";
  return std::string();
}

rt::Result<TrustedKeys> TrustedKeys::load() {
  ATTN_TRY(const std::string path, defaultPath());
  if (path.empty())
    return TrustedKeys();
  return load(path);
}

rt::Result<TrustedKeys> TrustedKeys::load(const std::string &path) {
  auto text = readOwnedFile(path, {mostBytes});
  if (!text && text.error().code == rt::ErrorCode::NotFound)
    return TrustedKeys();
  if (!text)
    return text.takeError();
  return parse(*text, path);
}

/// `edit` gets what the file says and returns the line to add, or nothing.
template <typename Edit>
static rt::Status addLine(const std::string &path, Edit edit) {
  ATTN_TRY(const OwnedFolder folder, OwnedFolder::of(path, /*create=*/true));
  folder.lock();
  auto text = folder.read({TrustedKeys::mostBytes});
  if (!text && text.error().code != rt::ErrorCode::NotFound)
    return text.takeError();
  std::string whole = text ? std::move(*text) : std::string();
  ATTN_TRY(const TrustedKeys keys, TrustedKeys::parse(whole, path));
  ATTN_TRY(const std::string line, edit(keys));
  if (line.empty())
    return rt::success();
  if (!whole.empty() && !whole.ends_with('\n'))
    whole += '\n';
  whole += line + "\n";
  if (whole.size() > TrustedKeys::mostBytes)
    return rt::badInput(rt::printable(path, 200) +
                        ": has no room for another line within 1 MiB");
  return folder.replace(whole);
}

rt::Status attn_jit::store::trustKey(const std::string &path,
                                     const TrustedKey &key) {
  // What could not be read again must not be written.
  ATTN_CHECK(TrustedKey::parse(key.line()));
  return addLine(path, [&](const TrustedKeys &keys) -> rt::Result<std::string> {
    if (keys.revoked(key.id()))
      return rt::badInput(rt::printable(path, 200) + ": key " + key.id() +
                          " is revoked there, which trusting it again does "
                          "not undo");
    const bool known =
        std::ranges::find(keys.keys(), key.bytes, &TrustedKey::bytes) !=
        keys.keys().end();
    return known ? std::string() : key.line();
  });
}

rt::Status attn_jit::store::revokeKey(const std::string &path,
                                      const std::string &keyId,
                                      const std::string &why) {
  if (!isKeyId(keyId))
    return rt::badInput("key id: " + rt::inQuotes(keyId) +
                        " is no 16 hexadecimal digits in lower case");
  const std::string line =
      std::string(revokedHead) + keyId + (why.empty() ? "" : " ") + why;
  if (hasControl(why) || line.size() > mostOfLine)
    return rt::badInput("why " + keyId +
                        " is revoked: it is a text of one "
                        "line, of at most 1000 bytes");
  return addLine(path, [&](const TrustedKeys &keys) -> rt::Result<std::string> {
    return keys.revoked(keyId) ? std::string() : line;
  });
}
