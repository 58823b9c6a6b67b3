// What Hopper's leaf patterns cannot lower is refused by name.
// RUN: attn-opt %s --split-input-file --verify-diagnostics --tile-to-nvvm -o /dev/null

tile.kernel @unplaced_alloc() attributes {units = 1 : i64, grid = ["1"]} {
  // expected-error @below {{'tile.alloc' op has no place; run tile-assign-shared first}}
  // expected-error @below {{failed to legalize operation 'tile.alloc'}}
  %0 = tile.alloc : !tile.shared<64x64xf16, swizzle 128>
  tile.return
}

// -----

tile.kernel @unplaced_pipe() attributes {units = 1 : i64, grid = ["1"]} {
  // expected-error @below {{'tile.pipe.create' op has no place; run tile-assign-shared first}}
  // expected-error @below {{failed to legalize operation 'tile.pipe.create'}}
  %0 = tile.pipe.create consumers 1 : !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
  tile.return
}

// -----

tile.kernel @elements() attributes {units = 1 : i64, grid = ["1"]} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<64x32xf32, swizzle 128>
  // expected-error @below {{'tile.mma' op multiplies 'f32', wgmma here takes f16 and bf16}}
  // expected-error @below {{failed to legalize operation 'tile.mma'}}
  %0 = tile.mma %a, %a {transpose_rhs} : !tile.shared<64x32xf32, swizzle 128>, !tile.shared<64x32xf32, swizzle 128> -> !tile.pending<<64x64xf32, acc>>
  tile.return
}

// -----

tile.kernel @rows() attributes {units = 1 : i64, grid = ["1"]} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<32x64xf16, swizzle 128>
  // expected-error @below {{'tile.mma' op is 32x32x64; wgmma takes 64 rows, up to 256 columns by eights, K by sixteens, and swizzled tiles}}
  // expected-error @below {{failed to legalize operation 'tile.mma'}}
  %0 = tile.mma %a, %a {transpose_rhs} : !tile.shared<32x64xf16, swizzle 128>, !tile.shared<32x64xf16, swizzle 128> -> !tile.pending<<32x32xf32, acc>>
  tile.return
}

// -----

tile.kernel @plain() attributes {units = 1 : i64, grid = ["1"]} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xf16, swizzle 0>
  // expected-error @below {{'tile.mma' op is 64x64x64; wgmma takes}}
  // expected-error @below {{failed to legalize operation 'tile.mma'}}
  %0 = tile.mma %a, %a {transpose_rhs} : !tile.shared<64x64xf16, swizzle 0>, !tile.shared<64x64xf16, swizzle 0> -> !tile.pending<<64x64xf32, acc>>
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <32x64xf32, swizzle 0>, cooperative>
tile.kernel @widening(%g: !tile.global<64xf16, direct> {tile.arg = "k"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %p = tile.pipe.create consumers 1 {offset = 0 : i64} : !pipe
  // expected-error @below {{'tile.copy' op converts elements on the way, which sm_90a cannot}}
  // expected-error @below {{failed to legalize operation 'tile.copy'}}
  tile.copy %g[%c0, %c0, %c0] limit %n into %p[%c0] : !tile.global<64xf16, direct>, !pipe
  tile.return
}

// -----

tile.kernel @widening_load(%g: !tile.global<64xf16, direct> {tile.arg = "k"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  // expected-error @below {{'tile.load' op converts elements on the way, which sm_90a cannot}}
  // expected-error @below {{failed to legalize operation 'tile.load'}}
  %0 = tile.load %g[%c0, %c0, %c0] limit %n : !tile.global<64xf16, direct> -> !tile.frag<64x64xf32, lhs>
  tile.return
}

// -----

// expected-error @below {{'tile.kernel' op 9 units, sm_90a holds 4}}
// expected-error @below {{failed to legalize operation 'tile.kernel'}}
tile.kernel @units() attributes {units = 9 : i64, grid = ["1"]} {
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
tile.kernel @chosen_pipe(%i: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %a = tile.pipe.create consumers 1 {offset = 0 : i64, barrier_offset = 32768 : i64} : !pipe
  %b = tile.pipe.create consumers 1 {offset = 8192 : i64, barrier_offset = 32784 : i64} : !pipe
  %first = arith.cmpi eq, %i, %c0 : i32
  %p = arith.select %first, %a, %b : !pipe
  // expected-error @below {{'tile.pipe.release' op names a pipe that is not the result of a tile.pipe.create}}
  // expected-error @below {{failed to legalize operation 'tile.pipe.release'}}
  tile.pipe.release %p[%c0] : !pipe
  tile.return
}
