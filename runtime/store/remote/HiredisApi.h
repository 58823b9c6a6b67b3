// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// hiredis' reader of the protocol, opened at run time: a machine that uses no
// Redis needs none of it. The headers give types alone, and these differ from
// version to version, so the library of exactly that version is opened.
#ifndef ATTN_JIT_RUNTIME_STORE_REMOTE_HIREDISAPI_H
#define ATTN_JIT_RUNTIME_STORE_REMOTE_HIREDISAPI_H

#include "runtime/Library.h"

#include <hiredis/hiredis.h>

namespace attn_jit::store {

struct HiredisApi {
#define ATTN_HIREDIS(result, name, parameters)                                 \
  result(*name) parameters = nullptr;
#include "runtime/store/remote/HiredisSymbols.def"

  /// Opened once a process; the error says what is missing. It outlives every
  /// exit handler, since threads may use it while the process ends.
  static const rt::Result<HiredisApi> &get();
};

} // namespace attn_jit::store

#endif // ATTN_JIT_RUNTIME_STORE_REMOTE_HIREDISAPI_H
