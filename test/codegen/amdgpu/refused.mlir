// What MFMA and WMMA chips cannot do is refused by name before anything is lowered.
// REQUIRES: amdgpu
// RUN: attn-opt %s -split-input-file -verify-diagnostics -tile-to-rocdl=target=gfx942
// RUN: not attn-opt %s -split-input-file -tile-to-rocdl=target=sm_90a 2>&1 | FileCheck %s
// CHECK: target: 'sm_90a' given, allowed: gfx942, gfx1100

tile.kernel @roles() attributes {units = 2 : i64, grid = ["batch"], tile.shared_bytes = 0 : i64} {
  // expected-error@+1 {{roles need register budgets and a copy engine, which gfx942 has not}}
  tile.specialize role load(%l) units 1 {
    tile.yield
  } role compute(%c) units 1 {
    tile.yield
  }
  tile.return
}

// -----

// expected-error @below {{'tile.kernel' op cluster: 2 given, gfx942 has no clusters}}
tile.kernel @cluster() attributes {units = 1 : i64, cluster = 2 : i64, grid = ["2"], tile.shared_bytes = 0 : i64} {
  tile.return
}

// -----

tile.kernel @named() attributes {units = 2 : i64, grid = ["batch"], tile.shared_bytes = 0 : i64} {
  %id = arith.constant 1 : i32
  // expected-error@+1 {{gfx942 has no named barriers}}
  tile.named_barrier.sync %id units 2
  // expected-error@+1 {{gfx942 has no named barriers}}
  tile.named_barrier.arrive %id units 2
  tile.return
}

// -----

tile.kernel @mail() attributes {units = 1 : i64, grid = ["batch"], tile.shared_bytes = 0 : i64} {
  // expected-error@+1 {{is between roles, which gfx942 has not}}
  %mail = tile.mail.create consumers 1 : !tile.mail<4 x 2>
  tile.return
}

// -----

tile.kernel @counts(%yes: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["batch"], tile.shared_bytes = 4096 : i64} {
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.0 : f16
  %when = arith.cmpi sgt, %yes, %yes : i32
  %lhs = tile.fill %half : f16 -> !tile.frag<16x32xf16, lhs>
  %acc = tile.fill %zero : f32 -> !tile.frag<16x32xf32, acc>
  %rhs = tile.alloc {offset = 0 : i64} : !tile.shared<32x32xf16, swizzle 0>
  // expected-error@+1 {{gfx942 always adds the accumulator: no 'when'}}
  %0 = tile.mma %lhs, %rhs acc %acc : !tile.frag<16x32xf32, acc> when %when : !tile.frag<16x32xf16, lhs>, !tile.shared<32x32xf16, swizzle 0> -> !tile.pending<<16x32xf32, acc>>
  tile.return
}

// -----

tile.kernel @engine() attributes {units = 1 : i64, grid = ["batch"], tile.shared_bytes = 0 : i64} {
  // expected-error@+1 {{a bulk pipe needs a copy engine, which gfx942 has not: use a cooperative one}}
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <32x64xf16, swizzle 0>, bulk>
  tile.return
}

// -----

// expected-error@+1 {{argument 'q' is a tensor map; gfx942 has no copy engine: use direct access}}
tile.kernel @map(%query: !tile.global<64xf16, bulk> {tile.arg = "q"})
    attributes {units = 1 : i64, grid = ["batch"], tile.shared_bytes = 0 : i64} {
  tile.return
}

// -----

tile.kernel @swizzled() attributes {units = 1 : i64, grid = ["batch"], tile.shared_bytes = 0 : i64} {
  // expected-error@+1 {{swizzle 128 given, allowed on gfx942: 0}}
  %tile = tile.alloc : !tile.shared<32x64xf16, swizzle 128>
  tile.return
}

// -----

tile.kernel @narrow() attributes {units = 1 : i64, grid = ["batch"], tile.shared_bytes = 0 : i64} {
  %zero = arith.constant 0.0 : f32
  // expected-error@+1 {{given, allowed on gfx942: multiples of 16 rows, multiples of 16 columns}}
  %frag = tile.fill %zero : f32 -> !tile.frag<16x8xf32, acc>
  tile.return
}

// -----

tile.kernel @shared_lhs() attributes {units = 1 : i64, grid = ["batch"], tile.shared_bytes = 8192 : i64} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<16x64xf16, swizzle 0>
  %b = tile.alloc {offset = 4096 : i64} : !tile.shared<16x64xf16, swizzle 0>
  // expected-error@+1 {{gfx942 reads left operands from registers alone}}
  %c = tile.mma %a, %b {transpose_rhs} : !tile.shared<16x64xf16, swizzle 0>, !tile.shared<16x64xf16, swizzle 0> -> !tile.pending<<16x16xf32, acc>>
  tile.return
}

// -----

tile.kernel @crowd() attributes {units = 17 : i64, grid = ["batch"], tile.shared_bytes = 0 : i64} {
  tile.return
}
// expected-error@-3 {{17 units, gfx942 holds 16}}

// -----

// expected-error@+1 {{shared memory has no places; run tile-assign-shared first}}
tile.kernel @unplaced() attributes {units = 1 : i64, grid = ["batch"]} {
  tile.return
}

// -----

tile.kernel @shared_rest(%k: !tile.global<20xf16, direct> {tile.arg = "k"}, %n: i32 {tile.arg = "kv_len"})
    attributes {units = 1 : i64, grid = ["batch"], tile.shared_bytes = 1024 : i64} {
  %c0 = arith.constant 0 : i32
  %pipe = tile.pipe.create consumers 1 {offset = 0 : i64} : !tile.pipe<1 x <16x20xf16, swizzle 0>, cooperative>
  // expected-error@+1 {{rows of 40 bytes given, allowed on gfx942: multiples of 16}}
  tile.copy %k[%c0, %c0, %c0] limit %n into %pipe[%c0] : !tile.global<20xf16, direct>, !tile.pipe<1 x <16x20xf16, swizzle 0>, cooperative>
  tile.return
}

// -----

tile.kernel @narrow_sum() attributes {units = 1 : i64, grid = ["batch"], tile.shared_bytes = 4096 : i64} {
  %half = arith.constant 0.5 : f16
  %a = tile.fill %half : f16 -> !tile.frag<16x64xf16, lhs>
  %b = tile.alloc {offset = 0 : i64} : !tile.shared<16x64xf16, swizzle 0>
  // expected-error@+1 {{products of 'f16' into 'f16' given, allowed on gfx942: f16 or bf16 into f32}}
  %c = tile.mma %a, %b {transpose_rhs} : !tile.frag<16x64xf16, lhs>, !tile.shared<16x64xf16, swizzle 0> -> !tile.pending<<16x16xf16, acc>>
  tile.return
}

// -----

tile.kernel @delay(%seed: i32 {tile.arg = "delay_seed"}) attributes {units = 1 : i64, grid = ["batch"], tile.shared_bytes = 0 : i64} {
  // expected-error@+1 {{needs a timed sleep, which gfx942 has not}}
  tile.delay %seed at 0
  tile.return
}
