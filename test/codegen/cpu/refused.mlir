// What host code does not have is refused by name.
// RUN: attn-opt %s --split-input-file --verify-diagnostics --tile-to-host
// RUN: not attn-opt %s --tile-to-host="vector-bits=96" 2>&1 | FileCheck %s
// CHECK: tile-to-host: vector-bits: 96 given, allowed: 128, 256, 512

// expected-error @below {{has 2 units; a host kernel is one unit}}
tile.kernel @units(%len: i32 {tile.arg = "q_len"}) attributes {units = 2 : i64, grid = ["q_heads"]} {
  tile.return
}

// -----

// expected-error @below {{argument 0 is reached by a tensor map; a host has pointers}}
tile.kernel @bulk(%q: !tile.global<64xf32, bulk> {tile.arg = "q"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  tile.return
}

// -----

tile.kernel @math(%scale: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  // expected-error @below {{'math.sin' op has no host form}}
  %x = math.sin %scale : f32
  tile.return
}

// -----

tile.kernel @roles(%scale: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  // expected-error @below {{'tile.specialize' op has no host form}}
  tile.specialize
    role consumer(%c) units 1 {
    }
  tile.return
}

// -----

tile.kernel @two_ways(%q: !tile.global<16xf32, direct> {tile.arg = "q"}, %len: i32 {tile.arg = "q_len"})
    attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  // expected-error @below {{is read transposed by one product and as it is by another; host code packs a tile one way}}
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>
  %lhs = tile.load %q[%c0, %c0, %c0] limit %len : !tile.global<16xf32, direct> -> !tile.frag<8x16xf32, lhs>
  %rhs = tile.pipe.wait %pipe[%c0] : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative> -> !tile.shared<16x16xf32, swizzle 0>
  %a = tile.mma %lhs, %rhs : !tile.frag<8x16xf32, lhs>, !tile.shared<16x16xf32, swizzle 0> -> !tile.pending<<8x16xf32, acc>>
  %b = tile.mma %lhs, %rhs {transpose_rhs} : !tile.frag<8x16xf32, lhs>, !tile.shared<16x16xf32, swizzle 0> -> !tile.pending<<8x16xf32, acc>>
  tile.return
}
