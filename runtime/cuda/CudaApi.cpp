// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads libcuda.so.1 and its symbols once.
#include "runtime/cuda/CudaApi.h"

using namespace attn_jit::rt;
using namespace attn_jit::rt::cuda;

static Result<Api> load() {
  ATTN_TRY(Library library,
           Library::open("ATTN_JIT_CUDA_LIBRARY", {"libcuda.so.1"}));
  Api api;
  std::string missing;
#define ATTN_CUDA(name, parameters)                                            \
  if (!library.find(#name, api.name))                                          \
    missing += std::string(missing.empty() ? "" : ", ") + #name;
#define ATTN_CUDA_NEW(name, parameters) library.find(#name, api.name);
#include "runtime/cuda/CudaSymbols.def"
  if (!missing.empty())
    return unsupported(library.name() + " is too old, it lacks " + missing);
  if (CUresult error = api.cuInit(0))
    return failed(api.describe("cuInit", error));
  return api;
}

const Result<Api> &Api::get() {
  static const Result<Api> api = load();
  return api;
}

std::string Api::describe(const char *call, CUresult error) const {
  const char *name = nullptr, *text = nullptr;
  if (cuGetErrorName(error, &name) || !name)
    return std::string(call) + ": CUDA error " + std::to_string(error);
  if (cuGetErrorString(error, &text) || !text)
    text = "no description";
  return std::string(call) + ": " + name + " (" + text + ")";
}
