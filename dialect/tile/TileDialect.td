// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILE_DIALECT_TD
#define TILE_DIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/AttrTypeBase.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::attn_jit::tile";
  let summary = "Explicit schedules of one attention kernel";
  let description = [{
    One `tile.kernel` is one launch. Its text is the schedule: which *units* (the
    threads that own a matrix product together: a warpgroup, a wave, a CPU thread)
    play which role, what lives in shared memory, when data moves, which matrix
    products are in flight, and where each result becomes usable. Passes do not
    rediscover the order of events; they only lower it, one op at a time.

    Every op has a synchronous meaning. A target without asynchronous copies or
    matrix products runs the same ops in order: a `!tile.pending` is then its
    fragment, a pipe is a buffer between two barriers.

    A *fragment* is a matrix held in the registers of one unit. Its layout is named by
    what it is for (`acc`, `lhs`, `row`, ...); which lane holds which element is the
    target's business and appears nowhere in the IR.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

class Tile_Enum<string name, string doc, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, doc, cases> {
  let cppNamespace = "::attn_jit::tile";
  let genSpecializedAttr = 0;
}

def Tile_FragLayout : Tile_Enum<"FragLayout", "What a fragment is for", [
  I32EnumAttrCase<"Acc", 0, "acc">,         // result of a matrix product
  I32EnumAttrCase<"Lhs", 1, "lhs">,         // left operand of a matrix product
  I32EnumAttrCase<"Row", 2, "row">,         // one value a row, known to all its lanes
  I32EnumAttrCase<"Partial", 3, "partial">  // one value a row and lane, not yet combined
]>;

def Tile_Transport : Tile_Enum<"Transport", "Who moves the data of a pipe", [
  I32EnumAttrCase<"Bulk", 0, "bulk">,              // a copy engine, issued by one thread
  I32EnumAttrCase<"Cooperative", 1, "cooperative"> // every thread of every unit
]>;

def Tile_Access : Tile_Enum<"Access", "How a kernel reaches a global tensor", [
  I32EnumAttrCase<"Bulk", 0, "bulk">,    // by a tensor map
  I32EnumAttrCase<"Direct", 1, "direct"> // by base pointer and strides
]>;

def Tile_ReduceKind : Tile_Enum<"ReduceKind", "Row reduction", [
  I32EnumAttrCase<"Max", 0, "max">,
  I32EnumAttrCase<"Add", 1, "add">
]>;
def Tile_ReduceKindAttr : EnumAttr<Tile_Dialect, Tile_ReduceKind, "reduce_kind">;

#endif
