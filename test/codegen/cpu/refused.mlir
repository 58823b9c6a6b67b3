// What host code does not have is refused by name.
// RUN: attn-opt %s --split-input-file --verify-diagnostics --tile-to-host
// RUN: not attn-opt %s --tile-to-host="vector-bits=96" 2>&1 | FileCheck %s
// CHECK: tile-to-host: vector-bits: 96 given, allowed: 128, 256, 512

// expected-error @below {{has 2 units; a host kernel is one unit}}
tile.kernel @units(%len: i32 {tile.arg = "q_len"}) attributes {units = 2 : i64, grid = ["q_heads"]} {
  tile.return
}

// -----

// expected-error @below {{has a cluster of 2 workgroups; those of a host kernel know nothing of each other}}
tile.kernel @cluster(%len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, cluster = 2 : i64, grid = ["2"]} {
  tile.return
}

// -----

// expected-error @below {{argument 0 is reached by a tensor map; a host has pointers}}
tile.kernel @bulk(%q: !tile.global<64xf32, bulk> {tile.arg = "q"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  tile.return
}

// -----

// Bulk pipes are those of copy engines; without a tensor map one can be written, but not filled.
tile.kernel @bulk_pipe(%scale: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  // expected-error @below {{'tile.pipe.create' op is bulk, allowed on the host: cooperative pipes}}
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <16x32xf32, swizzle 128>, bulk>
  tile.return
}

// -----

tile.kernel @shared_lhs(%len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>
  %tile = tile.pipe.wait %pipe[%c0] : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative> -> !tile.shared<16x16xf32, swizzle 0>
  // expected-error @below {{reads a shared tile; host code has them as right operands alone}}
  %a = tile.mma %tile, %tile : !tile.shared<16x16xf32, swizzle 0>, !tile.shared<16x16xf32, swizzle 0> -> !tile.pending<<16x16xf32, acc>>
  tile.return
}

// -----

tile.kernel @slice_columns(%q: !tile.global<16xf32, direct> {tile.arg = "q"}, %len: i32 {tile.arg = "q_len"})
    attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>
  %lhs = tile.load %q[%c0, %c0, %c0] limit %len : !tile.global<16xf32, direct> -> !tile.frag<8x16xf32, lhs>
  %tile = tile.pipe.wait %pipe[%c0] : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative> -> !tile.shared<16x16xf32, swizzle 0>
  // expected-error @below {{slices the columns of a right operand, which host code packs in panels}}
  %part = tile.slice %tile[%c0] : !tile.shared<16x16xf32, swizzle 0> to !tile.shared<8x16xf32, swizzle 0, panel 16>
  %a = tile.mma %lhs, %part {transpose_rhs} : !tile.frag<8x16xf32, lhs>, !tile.shared<8x16xf32, swizzle 0, panel 16> -> !tile.pending<<8x8xf32, acc>>
  tile.return
}

// -----

tile.kernel @alloc(%len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  // expected-error @below {{'tile.alloc' op has no host form}}
  %tile = tile.alloc : !tile.shared<16x16xf32, swizzle 0>
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>
tile.kernel @chosen_pipe(%len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %a = tile.pipe.create consumers 1 : !pipe
  %b = tile.pipe.create consumers 1 : !pipe
  %none = arith.cmpi eq, %len, %c0 : i32
  // expected-error @below {{'scf.if' op gives '!tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>', allowed on the host: fragments and scalars}}
  %c = scf.if %none -> !pipe {
    scf.yield %a : !pipe
  } else {
    scf.yield %b : !pipe
  }
  tile.return
}

// -----

!tile = !tile.shared<16x16xf32, swizzle 0>
tile.kernel @carried_tile(%len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>
  %first = tile.pipe.wait %pipe[%c0] : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative> -> !tile
  // expected-error @below {{reads a shared tile; host code has them as right operands alone}}
  %last = scf.for %i = %c0 to %len step %c1 iter_args(%tile = %first) -> (!tile) : i32 {
    scf.yield %tile : !tile
  }
  tile.return
}

// -----

tile.kernel @narrow_copy(%k: !tile.global<8xf32, direct> {tile.arg = "k"}, %len: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>
  // expected-error @below {{fills 8 of 16 columns; host code copies whole rows}}
  tile.copy %k[%c0, %c0, %c0] limit %len into %pipe[%c0] : !tile.global<8xf32, direct>, !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>
  tile.return
}

// -----

tile.kernel @narrow_store(%o: !tile.global<8xf32, direct> {tile.arg = "o"}, %len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant 0.0 : f32
  %rows = tile.fill %zero : f32 -> !tile.frag<16x16xf32, acc>
  // expected-error @below {{writes 8 of 16 columns; host code writes whole rows}}
  tile.store %rows, %o[%c0, %c0, %c0] limit %len : !tile.frag<16x16xf32, acc>, !tile.global<8xf32, direct>
  tile.return
}

// -----

tile.kernel @scattered(%o: !tile.global<16xf32, direct> {tile.arg = "o"}, %len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant 0.0 : f32
  %rows = tile.fill %zero : f32 -> !tile.frag<16x16xf32, acc>
  %places = tile.coord %c0 dim 0 : !tile.frag<16xi32, row>
  // expected-error @below {{sends each row to a place of its own; host code writes rows of one head}}
  tile.store %rows, %o[%c0, %c0, %c0] limit %len plus %places, %places : !tile.frag<16xi32, row>, !tile.frag<16xi32, row> : !tile.frag<16x16xf32, acc>, !tile.global<16xf32, direct>
  tile.return
}

// -----

tile.kernel @counts(%len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant 0.0 : f32
  %when = arith.cmpi sgt, %len, %c0 : i32
  %lhs = tile.fill %zero : f32 -> !tile.frag<16x16xf32, lhs>
  %acc = tile.fill %zero : f32 -> !tile.frag<16x16xf32, acc>
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>
  %rhs = tile.pipe.wait %pipe[%c0] : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative> -> !tile.shared<16x16xf32, swizzle 0>
  // expected-error @below {{counts its accumulator when told; host code always adds it}}
  %0 = tile.mma %lhs, %rhs acc %acc : !tile.frag<16x16xf32, acc> when %when : !tile.frag<16x16xf32, lhs>, !tile.shared<16x16xf32, swizzle 0> -> !tile.pending<<16x16xf32, acc>>
  tile.return
}

// -----

tile.kernel @rounded(%len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant 0.0 : f32
  %lhs = tile.fill %zero : f32 -> !tile.frag<16x16xf32, lhs>
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>
  %rhs = tile.pipe.wait %pipe[%c0] : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative> -> !tile.shared<16x16xf32, swizzle 0>
  // expected-error @below {{rounds its operands to TF32; host code multiplies them as they are}}
  %0 = tile.mma %lhs, %rhs {tf32} : !tile.frag<16x16xf32, lhs>, !tile.shared<16x16xf32, swizzle 0> -> !tile.pending<<16x16xf32, acc>>
  tile.return
}

// -----

tile.kernel @mail(%len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  // expected-error @below {{'tile.mail.create' op has no host form}}
  %mail = tile.mail.create consumers 1 : !tile.mail<4 x 2>
  tile.return
}

// -----

// Without tile-expand-math.
tile.kernel @math(%x: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  // expected-error @below {{'math.tanh' op has no host form}}
  %y = math.tanh %x : f32
  tile.return
}

// -----

tile.kernel @bits(%len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %half = arith.constant 1.0 : f16
  // expected-error @below {{'arith.bitcast' op on 16-bit elements has no host form}}
  %bits = arith.bitcast %half : f16 to bf16
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
