// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which remotes there are: $ATTN_JIT_REMOTE, also where it is empty, else the
// file $ATTN_JIT_CONFIG/config, $XDG_CONFIG_HOME/attn-jit/config or
// $HOME/.config/attn-jit/config. They are asked in the order of the list.
//
//   list     ::= (remote? ("\n" | ";"))*        "#" begins a line of comment
//   remote   ::= url (blank property)*
//   property ::= "prefix=" name      parts of [A-Za-z0-9._-], "/" between them
//              | "quota=" bytes      10G; powers of 1024: K, M, G, T
//              | "read-only"
//              | "connect=" time     100ms, 2s, 1m: 1ms to 10m
//              | "request=" time | "object=" time
//              | "expiry=" time      1h to 87600h; also days, 30d
//              | ("authority=" | "certificate=" | "key=") path      for https
//
// The file may hold passwords and says who is asked for kernels, so it belongs
// to this user or root and nobody else can write to it.
#ifndef ATTN_JIT_RUNTIME_STORE_REMOTECONFIG_H
#define ATTN_JIT_RUNTIME_STORE_REMOTECONFIG_H

#include "runtime/store/remote/Remote.h"

namespace attn_jit::store {

/// `where` stands before an error: "ATTN_JIT_REMOTE", or a path. An error names
/// the remote, the property, what was given and what is allowed, on one line.
rt::Result<std::vector<RemoteOptions>> parseRemotes(std::string_view text,
                                                    const std::string &where);

/// None where neither is set.
rt::Result<std::vector<RemoteOptions>> configuredRemotes();
rt::Result<std::vector<RemoteOptions>> remotesOfFile(const std::string &path);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_REMOTECONFIG_H
