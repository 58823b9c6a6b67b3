// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The attn dialect: what an attention is. Ops, attributes and their prose are
// in AttnOps.td and AttnDialect.td.
#ifndef ATTN_JIT_DIALECT_ATTN_ATTN_H
#define ATTN_JIT_DIALECT_ATTN_ATTN_H

#include "dialect/attn/Schedule.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/attn/AttnEnums.h.inc"

#include "dialect/attn/AttnDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/attn/AttnAttrs.h.inc"

#define GET_OP_CLASSES
#include "dialect/attn/AttnOps.h.inc"

namespace attn_jit::attn {
/// Argument attribute of the function round an attn op: the name under which
/// a launch binds it ("q", "scale", or a captured scalar's own).
inline constexpr llvm::StringLiteral kArgName = "attn.arg";

/// Scalars that a launch gives by itself (docs/manifest.md, "Values"): any
/// other is one that a description captured, by another name.
inline constexpr llvm::StringLiteral kLaunchScalars[] = {
    "q_len",    "kv_len",     "q_heads", "batch",      "heads_per_kv",
    "kv_heads", "workgroups", "scale",   "scale_log2e"};

/// Why a kernel of `op` alone would not compute what the function round it
/// says, in one line.
llvm::Error verifyFunction(ForwardOp op);

/// The dims and mask of `op` that decide which schedules fit.
ProblemShape getProblemShape(ForwardOp op, int64_t alignment = 16,
                             CallClass calls = {});
} // namespace attn_jit::attn

#endif
