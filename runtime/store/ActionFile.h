// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An action on disk, under its own key's digest. Its last line is there for
// flipped bits: nothing else tells those of a manifest. Private to the store.
//
//   file ::= ("origin " URL "\n")? Action text "sha256 " of all before it "\n"
#ifndef ATTN_JIT_RUNTIME_STORE_ACTIONFILE_H
#define ATTN_JIT_RUNTIME_STORE_ACTIONFILE_H

#include "runtime/store/LocalStore.h"

namespace attn_jit::store {

inline constexpr size_t mostOriginBytes = 4096;
inline constexpr size_t mostActionFileBytes =
    Action::most + mostOriginBytes + 128;

struct ActionFile {
  Action action;
  std::string origin; ///< empty: made here
};

/// A URL that fits on its line and names no password ("user:secret@").
bool isOrigin(std::string_view text);
std::string packAction(const Action &action, Place place,
                       std::string_view origin);
/// None unless it is what packAction() makes of an action of `key`.
std::optional<ActionFile> unpackAction(std::string_view text, Place place,
                                       const Digest &key);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_ACTIONFILE_H
