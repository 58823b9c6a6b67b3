// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The key of an image, from what is known before anything is compiled.
#include "codegen/Codegen.h"
#include "codegen/cpu/EmitHost.h"
#include "tools/api/KernelStore.h"
#include "llvm/Support/FormatVariadic.h"

using namespace attn_jit;

rt::Result<std::optional<store::Key>>
api::storeKey(const Description &d, const CompileOptions &options) {
  const std::string &compiler = compilerIdentity();
  if (compiler.empty())
    return std::optional<store::Key>();
  ATTN_CHECK(checkTarget(options.target));
  store::Key key;
  key.add("format", "attn-jit.kernel.v1");
  key.add("compiler", compiler);
  key.add("target", options.target);
  if (lookupTarget(options.target)->has(Capability::HostLevels)) {
    auto level = lookupHostLevel(options.hostLevel.empty()
                                     ? "native"
                                     : llvm::StringRef(options.hostLevel));
    if (!level)
      return rt::badInput(llvm::toString(level.takeError()));
    key.add("host_level", (*level)->name.str());
  }
  key.add("head_dim", std::to_string(d.headDim));
  key.add("value_dim", std::to_string(d.valueDimOrHead()));
  key.add("dtype", name(d.element));
  key.add("precision", name(d.precision));
  key.add("align", name(d.align));
  key.add("causal", d.causal ? "yes" : "no");
  key.add("lse", d.lse ? "yes" : "no");
  key.add("softcap", llvm::formatv("{0:r}", d.softcap).str());
  key.add("score", d.score);
  key.add("mask", d.mask);
  key.add("module", d.module);
  key.add("stride_align", std::to_string(options.alignment));
  key.add("schedule", options.schedule);
  key.add("calls", options.calls.str());
  key.add("debug_info", options.debugInfo ? options.debugFile : "");
  return std::optional(std::move(key));
}
