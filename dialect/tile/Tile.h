// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tile dialect: explicit schedules of one attention kernel. Its ops, types
// and their prose are in TileOps.td and TileTypes.td.
#ifndef ATTN_JIT_DIALECT_TILE_TILE_H
#define ATTN_JIT_DIALECT_TILE_TILE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/tile/TileEnums.h.inc"

#include "dialect/tile/TileDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/tile/TileAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/tile/TileTypes.h.inc"

#define GET_OP_CLASSES
#include "dialect/tile/TileOps.h.inc"

namespace attn_jit::tile {
/// Argument attribute: the name under which the launch manifest binds it.
inline constexpr llvm::StringLiteral kArgName = "tile.arg";
/// The name of a counter.
inline constexpr llvm::StringLiteral kWorkspaceName = "workspace";
} // namespace attn_jit::tile

// Kernel attributes: Tile_KernelOp says what they mean.
namespace attn_jit {
inline constexpr llvm::StringLiteral kAlignAttr = "tile.align";
inline constexpr llvm::StringLiteral kWarpsAttr = "tile.warps";
inline constexpr llvm::StringLiteral kSharedBytesAttr = "tile.shared_bytes";
inline constexpr llvm::StringLiteral kScheduleAttr = "tile.schedule";
inline constexpr llvm::StringLiteral kMaskAttr = "tile.mask";
inline constexpr llvm::StringLiteral kPositionsAttr = "tile.align_keys";
inline constexpr llvm::StringLiteral kPrecisionAttr = "tile.precision";
} // namespace attn_jit

#endif
