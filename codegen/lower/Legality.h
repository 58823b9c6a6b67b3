// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a SIMT target cannot run of a tile kernel, by its row of the capability
// table. Lowering begins with this check, so patterns meet only what fits.
#ifndef ATTN_JIT_CODEGEN_LOWER_LEGALITY_H
#define ATTN_JIT_CODEGEN_LOWER_LEGALITY_H

#include "dialect/Target.h"
#include "dialect/tile/Tile.h"

namespace attn_jit {

/// Emits at each op of `kernel` what `info` cannot do with it, and what it can.
llvm::LogicalResult verifyLegal(tile::KernelOp kernel, const TargetInfo &info);

} // namespace attn_jit

#endif
