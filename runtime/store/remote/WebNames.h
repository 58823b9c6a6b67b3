// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What may stand in a request's path: one spelling for each name, since it is
// signed as it is sent (SigV4), and no part that a server would fold away.
#ifndef ATTN_JIT_RUNTIME_STORE_REMOTE_WEBNAMES_H
#define ATTN_JIT_RUNTIME_STORE_REMOTE_WEBNAMES_H

#include "runtime/store/remote/Url.h"

#include <string>
#include <string_view>

namespace attn_jit::store {

/// Each byte but letters, digits and "-._~" as %XX (RFC 3986; what SigV4 calls
/// UriEncode). "/" stays where `slashes` is set.
std::string percentEncoded(std::string_view text, bool slashes);

/// Of all names on a server: UTF-8 without control characters, parts between
/// slashes, none of them empty, "." or ".."; or nothing.
rt::Status checkPrefix(std::string_view prefix);

/// The path of a URL as it is sent, without a slash at its end.
rt::Result<std::string> checkedPath(std::string_view path);

/// "https://cache:8443"; a host is a name or an address.
rt::Result<std::string> serverOf(const Url &url);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_REMOTE_WEBNAMES_H
