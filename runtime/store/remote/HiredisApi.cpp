// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/store/remote/HiredisApi.h"

using namespace attn_jit;
using namespace attn_jit::store;

#define ATTN_TEXT_(token) #token
#define ATTN_TEXT(token) ATTN_TEXT_(token)

static rt::Result<HiredisApi> load() {
  ATTN_TRY(rt::Library library,
           rt::Library::open("ATTN_JIT_HIREDIS_LIBRARY",
                             {"libhiredis.so." ATTN_TEXT(HIREDIS_SONAME)}));
  HiredisApi api;
  std::string missing;
#define ATTN_HIREDIS(result, name, parameters)                                 \
  if (!library.find(#name, api.name))                                          \
    missing += std::string(missing.empty() ? "" : ", ") + #name;
#include "runtime/store/remote/HiredisSymbols.def"
  if (!missing.empty())
    return rt::unsupported(library.name() + " lacks " + missing);
  return api;
}

const rt::Result<HiredisApi> &HiredisApi::get() {
  static const auto *api = new rt::Result<HiredisApi>(load());
  return *api;
}
