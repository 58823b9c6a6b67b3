// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// libcurl, opened by the first request over HTTP: who makes none needs no
// libcurl. Types and constants are the header's; nothing is
// linked.
#ifndef ATTN_JIT_RUNTIME_STORE_REMOTE_CURLAPI_H
#define ATTN_JIT_RUNTIME_STORE_REMOTE_CURLAPI_H

#include "runtime/Library.h"

#include <curl/curl.h>

namespace attn_jit::store {

struct CurlApi {
#define ATTN_CURL(name) decltype(::name) *name = nullptr;
#include "runtime/store/remote/CurlSymbols.def"

  /// Opened and initialised once a process; the error says what is missing.
  static const rt::Result<CurlApi> &get();

  /// The first that leaves a resolver's thread behind at a deadline instead of
  /// waiting for it (CURLOPT_QUICK_EXIT), and signs x-amz- headers.
  static constexpr unsigned oldest = 0x075700;
};

/// By number, so that older headers serve too.
inline constexpr auto curlProtocols = CURLoption(CURLOPTTYPE_OBJECTPOINT + 318);
inline constexpr auto curlQuickExit = CURLoption(CURLOPTTYPE_LONG + 322);

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_REMOTE_CURLAPI_H
