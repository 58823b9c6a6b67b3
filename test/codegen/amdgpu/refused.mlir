// What MFMA and WMMA chips cannot do is refused by name before anything is lowered.
// REQUIRES: amdgpu
// RUN: attn-opt %s -split-input-file -verify-diagnostics -tile-to-rocdl=target=gfx942

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

tile.kernel @named() attributes {units = 2 : i64, grid = ["batch"], tile.shared_bytes = 0 : i64} {
  %id = arith.constant 1 : i32
  // expected-error@+1 {{gfx942 has no named barriers}}
  tile.named_barrier.sync %id units 2
  // expected-error@+1 {{gfx942 has no named barriers}}
  tile.named_barrier.arrive %id units 2
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
  // expected-error@+1 {{given, allowed on gfx942: rows and columns that are multiples of 16}}
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
