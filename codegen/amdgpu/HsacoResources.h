// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a code object says it takes, read from its metadata note, and how many
// of its workgroups fit a compute unit by the rules of the LLVM AMDGPU usage
// guide.
#ifndef ATTN_JIT_CODEGEN_AMDGPU_HSACORESOURCES_H
#define ATTN_JIT_CODEGEN_AMDGPU_HSACORESOURCES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>

namespace attn_jit {

struct HsacoResources {
  int64_t vgprs =
      0; ///< Of one thread; accumulation registers included (gfx90a on).
  int64_t vgprSpills = 0, sgprSpills = 0;
  int64_t ldsBytes = 0;
  int64_t wavefront = 0;
  int64_t threads = 0; ///< Of one workgroup.
  /// The share of the wave slots of a compute unit (gfx9) or a workgroup
  /// processor (gfx11) that resident workgroups fill.
  double occupancy = 0;
};

/// `object` is a code object for `chip` that holds `kernel`.
llvm::Expected<HsacoResources> readHsacoResources(llvm::StringRef object,
                                                  llvm::StringRef kernel,
                                                  llvm::StringRef chip);

} // namespace attn_jit

#endif
