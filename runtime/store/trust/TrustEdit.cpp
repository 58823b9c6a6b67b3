// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the key file is, and its edits: a line is added at the end, so that
// comments and order stay as somebody wrote them.
#include "runtime/Printable.h"
#include "runtime/store/files/OwnedFile.h"
#include "runtime/store/trust/Trust.h"

#include <algorithm>
#include <cstdlib>

using namespace attn_jit;
using namespace attn_jit::store;

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
  const Revocation made = {keyId, why};
  ATTN_CHECK(Revocation::parse(made.line()));
  return addLine(path, [&](const TrustedKeys &keys) -> rt::Result<std::string> {
    return keys.revoked(keyId) ? std::string() : made.line();
  });
}
