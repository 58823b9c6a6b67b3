// What Hopper's leaf patterns cannot lower is refused by name.
// RUN: attn-opt %s --split-input-file --verify-diagnostics --tile-to-nvvm -o /dev/null

tile.kernel @unplaced_alloc() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  // expected-error @below {{'tile.alloc' op has no place; run tile-assign-shared first}}
  // expected-error @below {{failed to legalize operation 'tile.alloc'}}
  %0 = tile.alloc : !tile.shared<64x64xf16, swizzle 128>
  tile.return
}

// -----

tile.kernel @unplaced_pipe() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  // expected-error @below {{'tile.pipe.create' op has no place; run tile-assign-shared first}}
  // expected-error @below {{failed to legalize operation 'tile.pipe.create'}}
  %0 = tile.pipe.create consumers 1 : !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
  tile.return
}

// -----

tile.kernel @elements() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<64x32xf32, swizzle 128>
  // expected-error @below {{'tile.mma' op products of 'f32' into 'f32' given, allowed on sm_90a: f16 or bf16 into f32}}
  %0 = tile.mma %a, %a {transpose_rhs} : !tile.shared<64x32xf32, swizzle 128>, !tile.shared<64x32xf32, swizzle 128> -> !tile.pending<<64x64xf32, acc>>
  tile.return
}

// -----

tile.kernel @sum() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xf16, swizzle 128>
  // expected-error @below {{'tile.mma' op products of 'f16' into 'f16' given, allowed on sm_90a: f16 or bf16 into f32}}
  %0 = tile.mma %a, %a {transpose_rhs} : !tile.shared<64x64xf16, swizzle 128>, !tile.shared<64x64xf16, swizzle 128> -> !tile.pending<<64x64xf16, acc>>
  tile.return
}

// -----

tile.kernel @few_rows() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<32x64xf16, swizzle 128>
  // expected-error @below {{'tile.mma' op '!tile.frag<32x32xf32, acc>' given, allowed on sm_90a: 64 rows, multiples of 8 columns}}
  %0 = tile.mma %a, %a {transpose_rhs} : !tile.shared<32x64xf16, swizzle 128>, !tile.shared<32x64xf16, swizzle 128> -> !tile.pending<<32x32xf32, acc>>
  tile.return
}

// -----

// A warpgroup holds 64 rows; those of a second tile would be no one's.
tile.kernel @many_rows(%x: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  // expected-error @below {{'tile.fill' op '!tile.frag<128x64xf32, acc>' given, allowed on sm_90a: 64 rows, multiples of 8 columns}}
  %0 = tile.fill %x : f32 -> !tile.frag<128x64xf32, acc>
  // expected-error @below {{'tile.fill' op '!tile.frag<64x20xf32, acc>' given, allowed on sm_90a: 64 rows, multiples of 8 columns}}
  %1 = tile.fill %x : f32 -> !tile.frag<64x20xf32, acc>
  // expected-error @below {{'tile.fill' op '!tile.frag<128xf32, row>' given, allowed on sm_90a: 64 rows, multiples of 8 columns}}
  %2 = tile.fill %x : f32 -> !tile.frag<128xf32, row>
  tile.return
}

// -----

tile.kernel @columns() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xf16, swizzle 128>
  %b = tile.alloc {offset = 8192 : i64} : !tile.shared<512x64xf16, swizzle 128>
  // expected-error @below {{'tile.mma' op is 64x512x64; wgmma takes up to 256 columns, K by sixteens, and swizzled tiles}}
  // expected-error @below {{failed to legalize operation 'tile.mma'}}
  %0 = tile.mma %a, %b {transpose_rhs} : !tile.shared<64x64xf16, swizzle 128>, !tile.shared<512x64xf16, swizzle 128> -> !tile.pending<<64x512xf32, acc>>
  tile.return
}

// -----

tile.kernel @plain_lhs() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xf16, swizzle 0>
  %b = tile.alloc {offset = 8192 : i64} : !tile.shared<64x64xf16, swizzle 128>
  // expected-error @below {{'tile.mma' op is 64x64x64; wgmma takes up to 256 columns, K by sixteens, and swizzled tiles}}
  // expected-error @below {{failed to legalize operation 'tile.mma'}}
  %0 = tile.mma %a, %b {transpose_rhs} : !tile.shared<64x64xf16, swizzle 0>, !tile.shared<64x64xf16, swizzle 128> -> !tile.pending<<64x64xf32, acc>>
  tile.return
}

// -----

tile.kernel @in_flight() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xf16, swizzle 128>
  %0 = tile.mma %a, %a {transpose_rhs} : !tile.shared<64x64xf16, swizzle 128>, !tile.shared<64x64xf16, swizzle 128> -> !tile.pending<<64x64xf32, acc>>
  // expected-error @below {{'tile.wait' op in_flight: 8 given, allowed on sm_90a: 0 to 7}}
  %1 = tile.wait %0 {in_flight = 8 : i64} : !tile.pending<<64x64xf32, acc>> -> !tile.frag<64x64xf32, acc>
  tile.return
}

// -----

// Barrier 0 is the workgroup's, those from 8 on are tile.publish's.
tile.kernel @barriers() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %c0 = arith.constant 0 : i32
  %c8 = arith.constant 8 : i32
  // expected-error @below {{'tile.named_barrier.sync' op id: 0 given, allowed on sm_90a: 1 to 7}}
  tile.named_barrier.sync %c0 units 1
  // expected-error @below {{'tile.named_barrier.arrive' op id: 8 given, allowed on sm_90a: 1 to 7}}
  tile.named_barrier.arrive %c8 units 1
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <16x20xf16, swizzle 0>, cooperative>
tile.kernel @rest(%g: !tile.global<20xf16, direct> {tile.arg = "k"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %c0 = arith.constant 0 : i32
  %p = tile.pipe.create consumers 1 {offset = 0 : i64} : !pipe
  // expected-error @below {{'tile.copy' op rows of 40 bytes given, allowed on sm_90a: multiples of 16}}
  tile.copy %g[%c0, %c0, %c0] limit %n into %p[%c0] : !tile.global<20xf16, direct>, !pipe
  tile.return
}

// -----

tile.kernel @plain() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<64x64xf16, swizzle 0>
  // expected-error @below {{'tile.mma' op is 64x64x64; wgmma takes}}
  // expected-error @below {{failed to legalize operation 'tile.mma'}}
  %0 = tile.mma %a, %a {transpose_rhs} : !tile.shared<64x64xf16, swizzle 0>, !tile.shared<64x64xf16, swizzle 0> -> !tile.pending<<64x64xf32, acc>>
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <32x64xf32, swizzle 0>, cooperative>
tile.kernel @widening(%g: !tile.global<64xf16, direct> {tile.arg = "k"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %c0 = arith.constant 0 : i32
  %p = tile.pipe.create consumers 1 {offset = 0 : i64} : !pipe
  // expected-error @below {{'tile.copy' op converts elements on the way, which sm_90a cannot}}
  // expected-error @below {{failed to legalize operation 'tile.copy'}}
  tile.copy %g[%c0, %c0, %c0] limit %n into %p[%c0] : !tile.global<64xf16, direct>, !pipe
  tile.return
}

// -----

tile.kernel @widening_load(%g: !tile.global<64xf16, direct> {tile.arg = "k"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %c0 = arith.constant 0 : i32
  // expected-error @below {{'tile.load' op converts elements on the way, which sm_90a cannot}}
  // expected-error @below {{failed to legalize operation 'tile.load'}}
  %0 = tile.load %g[%c0, %c0, %c0] limit %n : !tile.global<64xf16, direct> -> !tile.frag<64x64xf32, lhs>
  tile.return
}

// -----

// expected-error @below {{'tile.kernel' op 9 units, sm_90a holds 4}}
tile.kernel @units() attributes {units = 9 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  tile.return
}

// -----

// expected-error @below {{'tile.kernel' op cluster: 16 given, allowed on sm_90a: up to 8}}
tile.kernel @cluster() attributes {units = 1 : i64, cluster = 16 : i64, grid = ["16"], tile.shared_bytes = 0 : i64} {
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
tile.kernel @chosen_pipe(%i: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %c0 = arith.constant 0 : i32
  %a = tile.pipe.create consumers 1 {offset = 0 : i64, barrier_offset = 32768 : i64} : !pipe
  %b = tile.pipe.create consumers 1 {offset = 8192 : i64, barrier_offset = 32784 : i64} : !pipe
  %first = arith.cmpi eq, %i, %c0 : i32
  %p = scf.if %first -> !pipe {
    scf.yield %a : !pipe
  } else {
    scf.yield %b : !pipe
  }
  tile.specialize
    role consumer(%unit) units 1 {
      // expected-error @below {{'tile.pipe.release' op names a pipe that is not the result of a tile.pipe.create}}
      // expected-error @below {{failed to legalize operation 'tile.pipe.release'}}
      tile.pipe.release %p[%c0] : !pipe
    }
  tile.return
}

// -----

// expected-error @below {{shared memory has no places; run tile-assign-shared first}}
tile.kernel @unplaced() attributes {units = 1 : i64, grid = ["1"]} {
  tile.return
}

// -----

tile.kernel @odd_columns(%o: !tile.global<12xf32, direct> {tile.arg = "o"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant 0.0 : f32
  %rows = tile.fill %zero : f32 -> !tile.frag<64x16xf32, acc>
  // expected-error @below {{writes 12 columns, sm_90a stores multiples of 8}}
  // expected-error @below {{failed to legalize operation 'tile.store'}}
  tile.store %rows, %o[%c0, %c0, %c0] limit %n : !tile.frag<64x16xf32, acc>, !tile.global<12xf32, direct>
  tile.return
}

// -----

// One lowering has units of one kind.
// expected-error @below {{has other units than the kernels beside it}}
tile.kernel @warpgroups() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  tile.return
}
tile.kernel @warps() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64, tile.warps} {
  tile.return
}

// -----

// What the chip has its warps have not: its name alone would say too much.
// expected-error @below {{'tile.kernel' op argument 'k' is a tensor map; sm_90a by its warps has no copy engine: use direct access}}
tile.kernel @map(%k: !tile.global<64xf32, bulk> {tile.arg = "k"}) attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64, tile.warps} {
  tile.return
}

// -----

tile.kernel @mail_nowhere() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  // expected-error @below {{'tile.mail.create' op has no place; run tile-assign-shared first}}
  // expected-error @below {{failed to legalize operation 'tile.mail.create'}}
  %mail = tile.mail.create consumers 1 : !tile.mail<4 x 2>
  tile.return
}
