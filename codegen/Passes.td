// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every pass of the compiler: what it does, its options, its known weakness.
#ifndef ATTN_JIT_CODEGEN_PASSES_TD
#define ATTN_JIT_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def AttnToTile : Pass<"attn-to-tile", "::mlir::ModuleOp"> {
  let summary = "Build the tile kernel that an attn.forward's schedule describes";
  let description = [{
    Replaces the function round the `attn.forward` by one `tile.kernel`, written by the builder of its
    schedule (codegen/schedule). Without a schedule on the op, the one that `choose` gives for the target.
  }];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"sm_90a\"", "Target whose capability row the schedule must fit">,
    Option<"schedule", "schedule", "std::string", /*default=*/"", "Schedule text that takes the place of the op's own">,
    Option<"alignment", "alignment", "int64_t", /*default=*/"16", "Bytes that every base and stride is a multiple of">,
    Option<"keys", "keys", "std::string", /*default=*/"\"many\"", "The class of calls: a row sees few, many or long keys">,
    Option<"rows", "rows", "std::string", /*default=*/"\"many\"", "The class of calls: few rows in all, a wave of them, or many">
  ];
  let dependentDialects = ["::attn_jit::tile::TileDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect"];
}

def TileAssignShared : Pass<"tile-assign-shared", "::attn_jit::tile::KernelOp"> {
  let summary = "Give every shared tile, pipe and barrier its place";
  let description = [{
    Sets `offset` on `tile.alloc` and `tile.pipe.create`, and `tile.shared_bytes` on the kernel. Tiles are aligned
    to 1024 bytes, the period of the widest swizzle. Nothing shares space: lifetimes are not analysed.
  }];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"sm_90a\"", "Target whose rows may be padded">
  ];
}

def TileInsertDelays : Pass<"tile-insert-delays", "::attn_jit::tile::KernelOp"> {
  let summary = "Put a random delay before every op that waits, signals or touches memory";
  let description = [{
    For finding races: the kernel gets an argument `delay_seed`, which a launch gives like a captured scalar. The
    delays differ from wave to wave and from seed to seed; a right kernel gives the same bits for all of them.
  }];
}

def TileExpandMath : Pass<"tile-expand-math", "::mlir::ModuleOp"> {
  let summary = "Write math ops that a target has no instruction for in terms of exp2 and log2";
  let description = [{
    Division rounding up or down becomes plain division; exp, tanh, log and powf become exp2, log2 and arithmetic.
    tanh(x) = 1 - 2 / (1 + exp2(2 x log2 e)): exact at the ends; below 0.02, where it would cancel,
    tanh(x) = x - x^3 / 3. A tanh that the target has is kept, as the option says, but beside a product of f32 at full
    precision: it is an approximation, for scores of 11 bits.
  }];
  let options = [
    Option<"keepTanh", "keep-tanh", "bool", /*default=*/"false", "The target has a tanh instruction: keep tanh where that is precise enough">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def TileToNVVM : Pass<"tile-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Lower a tile kernel, one op at a time, to LLVM, NVVM and inline PTX";
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"sm_90a\"", "Target whose capability row is used">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def TileToROCDL : Pass<"tile-to-rocdl", "::mlir::ModuleOp"> {
  let summary = "Lower a tile kernel, one op at a time, to LLVM and ROCDL";
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"gfx942\"", "Target whose capability row is used">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::ROCDL::ROCDLDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def TileToHost : Pass<"tile-to-host", "::mlir::ModuleOp"> {
  let summary = "Lower a tile kernel, groups of ops on fragments at a time, to loops over vectors";
  let description = [{
    Fragments become stack buffers, updated in place where their last use allows it. 16-bit fragments and shared
    tiles are held as f32 values rounded to their type.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", /*default=*/"256", "Width of the vector registers to use">
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

#endif
