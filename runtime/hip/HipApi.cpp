// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads libamdhip64 and its symbols once, the newest that is there.
#include "runtime/hip/HipApi.h"

using namespace attn_jit::rt;
using namespace attn_jit::rt::hip;

static Result<Api> load() {
  ATTN_TRY(Library library,
           Library::open(
               "ATTN_JIT_HIP_LIBRARY",
               {"libamdhip64.so.7", "libamdhip64.so.6", "libamdhip64.so.5"}));
  Api api;
  std::string missing;
#define ATTN_HIP(name, parameters)                                             \
  if (!library.find(#name, api.name))                                          \
    missing += std::string(missing.empty() ? "" : ", ") + #name;
#define ATTN_HIP_NEW(name, parameters) library.find(#name, api.name);
#include "runtime/hip/HipSymbols.def"
  if (!library.find("hipGetErrorName", api.hipGetErrorName) ||
      !library.find("hipGetErrorString", api.hipGetErrorString))
    missing += std::string(missing.empty() ? "" : ", ") + "hipGetErrorName";
  if (!missing.empty())
    return unsupported(library.name() + " is too old, it lacks " + missing);
  if (hipError_t error = api.hipInit(0))
    return failed(api.describe("hipInit", error));
  return api;
}

const Result<Api> &Api::get() {
  static const Result<Api> api = load();
  return api;
}

std::string Api::describe(const char *call, hipError_t error) const {
  const char *name = hipGetErrorName(error), *text = hipGetErrorString(error);
  return std::string(call) + ": " + (name ? name : "HIP error") + " (" +
         (text ? text : "no description") + ")";
}
