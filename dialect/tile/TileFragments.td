// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops on fragments: what a unit computes in its registers.
#ifndef TILE_FRAGMENTS_TD
#define TILE_FRAGMENTS_TD

include "dialect/tile/TileTypes.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Tile_Op<string mnemonic, list<Trait> traits = []> : Op<Tile_Dialect, mnemonic, traits>;

def Tile_FillOp : Tile_Op<"fill", [Pure]> {
  let summary = "A fragment of one value";
  let arguments = (ins AnyType:$value);
  let results = (outs Tile_FragType:$result);
  let assemblyFormat = "$value attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_CoordOp : Tile_Op<"coord", [Pure]> {
  let summary = "The row (dim 0) or column (dim 1) number of each element, plus base";
  let description = [{ Of a matrix, or, for rows, of a row fragment. }];
  let arguments = (ins I32:$base, ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<1>]>:$dim);
  let results = (outs Tile_FragType:$result);
  let assemblyFormat = "$base `dim` $dim attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Tile_BroadcastOp : Tile_Op<"broadcast", [Pure]> {
  let summary = "Each row's value in every column";
  let arguments = (ins Tile_FragType:$value);
  let results = (outs Tile_FragType:$result);
  let assemblyFormat = "$value attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_SpreadOp : Tile_Op<"spread", [Pure]> {
  let summary = "Each row's value in every lane's partial";
  let description = [{ For rescaling partial sums by a row factor; not an addend of them. }];
  let arguments = (ins Tile_FragType:$value);
  let results = (outs Tile_FragType:$result);
  let assemblyFormat = "$value attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_RescaleOp : Tile_Op<"rescale", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "Each row times its factor";
  let description = [{
    What a product by `tile.broadcast` gives, but factors are expected to be 1 more often than not: a wave whose
    factors all are may leave its rows alone.
  }];
  let arguments = (ins Tile_FragType:$value, Tile_FragType:$factor);
  let results = (outs Tile_FragType:$result);
  let assemblyFormat = "$value `by` $factor attr-dict `:` type($value) `,` type($factor)";
  let hasVerifier = 1;
}

def Tile_MapOp : Tile_Op<"map", [Pure, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Elementwise: the region, on each element";
  let description = [{
    Inputs and result have one shape and layout. The region holds elementwise `arith` and `math` ops on
    f32, i32 and i1 (dialect/Elementwise.h has the list), and may use uniform scalars from outside.
    `no_wrap` promises that both sides of each signed or equality comparison of integers stay so far from
    the ends of i32 that a position may be added to both.
  }];
  let arguments = (ins Variadic<Tile_FragType>:$inputs, UnitAttr:$no_wrap);
  let results = (outs Tile_FragType:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $inputs attr-dict `:` functional-type($inputs, $result) $body
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def Tile_ReduceOp : Tile_Op<"reduce", [Pure]> {
  let summary = "Reduce each row over the columns that a lane holds";
  let arguments = (ins Tile_ReduceKindAttr:$kind, Tile_FragType:$value);
  let results = (outs Tile_FragType:$result);
  let assemblyFormat = "$kind $value attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_CombineOp : Tile_Op<"combine", [Pure]> {
  let summary = "Reduce a partial row over its lanes";
  let arguments = (ins Tile_ReduceKindAttr:$kind, Tile_FragType:$value);
  let results = (outs Tile_FragType:$result);
  let assemblyFormat = "$kind $value attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_CastOp : Tile_Op<"cast", [Pure]> {
  let summary = "Another element type, or another layout, of the same matrix";
  let description = [{
    f32, f16 and bf16 convert, with round to nearest even. `acc` to `lhs` is how the probabilities
    become the left operand of the second product.
  }];
  let arguments = (ins Tile_FragType:$value);
  let results = (outs Tile_FragType:$result);
  let assemblyFormat = "$value attr-dict `:` type($value) `to` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif
