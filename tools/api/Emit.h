// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `compile --emit KIND` means for each target, and its files.
#ifndef ATTN_JIT_TOOLS_API_EMIT_H
#define ATTN_JIT_TOOLS_API_EMIT_H

#include "runtime/File.h"
#include "tools/api/Compile.h"

namespace attn_jit::api {

/// "mlir" (each of "attn", "tile", "lowered"), "llvm", "asm", "obj", "ptx",
/// "cubin", "hsaco", "host". Empty: the target's image. Refuses what the target
/// has not.
rt::Result<std::string> resolveEmit(const std::string &kind,
                                    const std::string &target);
/// Text can go to a terminal.
bool isText(std::string_view emit);
bool isImage(std::string_view emit);

/// The bytes of a resolved kind; wants keepLevels for all but images. A cubin
/// changes `compiled` into itself.
rt::Result<std::string> emitted(Compiled &compiled, std::string_view emit);

/// FILE, its manifest FILE.json, and what else belongs to them: all or none.
/// FILE's suffix stays, so images of two kinds never share a manifest.
rt::Status writeImage(const Compiled &compiled, const std::string &path,
                      std::span<const rt::FileContent> beside = {});

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_EMIT_H
