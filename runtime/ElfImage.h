// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A look at an ELF image before a loader sees it. Loaders take no size and
// trust the headers: what these name beyond the image's end they read, or map,
// all the same.
#ifndef ATTN_JIT_RUNTIME_ELFIMAGE_H
#define ATTN_JIT_RUNTIME_ELFIMAGE_H

#include "runtime/Result.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace attn_jit::rt {

/// Refuses all but a whole 64-bit shared object for `machine`: headers, what
/// segments and sections hold. `needed` ends the refusal: "a whole x86-64 ELF
/// shared object".
Status checkElfImage(std::span<const std::byte> image, uint16_t machine,
                     const char *needed);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_ELFIMAGE_H
