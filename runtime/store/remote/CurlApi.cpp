// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads libcurl.so.4 and its symbols once.
#include "runtime/store/remote/CurlApi.h"

using namespace attn_jit;
using namespace attn_jit::store;
using rt::Result;

static Result<CurlApi> load() {
  auto library = rt::Library::open("ATTN_JIT_CURL_LIBRARY", {"libcurl.so.4"});
  if (!library)
    return rt::notFound("remotes of http and s3 need libcurl: " +
                        library.error().text);
  CurlApi api;
  std::string missing;
#define ATTN_CURL(name)                                                        \
  if (!library->find(#name, api.name))                                         \
    missing += std::string(missing.empty() ? "" : ", ") + #name;
#include "runtime/store/remote/CurlSymbols.def"
  if (!missing.empty())
    return rt::unsupported(library->name() + " is no libcurl, it lacks " +
                           missing);
  const curl_version_info_data *info = api.curl_version_info(CURLVERSION_NOW);
  if (info->version_num < CurlApi::oldest)
    return rt::unsupported(library->name() + " is libcurl " + info->version +
                           "; remotes need 7.87.0 or later");
  if (api.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return rt::failed(library->name() + ": curl_global_init failed");
  return api;
}

const Result<CurlApi> &CurlApi::get() {
  // Never destroyed: a process ends with writes in the background, which need
  // it after the static objects that were made before it are gone.
  static const auto *api = new Result<CurlApi>(load());
  return *api;
}
