// What the leaf patterns of a warp cannot lower is refused by name.
// RUN: attn-opt %s --split-input-file --verify-diagnostics --tile-to-nvvm=target=sm_80 -o /dev/null

tile.kernel @unplaced_pipe() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  // expected-error @below {{'tile.pipe.create' op has no place; run tile-assign-shared first}}
  // expected-error @below {{failed to legalize operation 'tile.pipe.create'}}
  %0 = tile.pipe.create consumers 1 : !tile.pipe<1 x <64x64xf16, swizzle 128>, cooperative>
  tile.return
}

// -----

// expected-error @below {{'tile.kernel' op cluster: 2 given, sm_80 has no clusters}}
tile.kernel @cluster() attributes {units = 1 : i64, cluster = 2 : i64, grid = ["2"], tile.shared_bytes = 0 : i64} {
  tile.return
}

// -----

tile.kernel @bulk_pipe() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  // expected-error @below {{'tile.pipe.create' op a bulk pipe needs a copy engine, which sm_80 has not: use a cooperative one}}
  %0 = tile.pipe.create consumers 1 : !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, cooperative>

tile.kernel @chosen_pipe(%i: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %c0 = arith.constant 0 : i32
  %c = arith.cmpi eq, %i, %c0 : i32
  %a = tile.pipe.create consumers 1 {offset = 0 : i64, barrier_offset = 16384 : i64} : !pipe
  %b = tile.pipe.create consumers 1 {offset = 8192 : i64, barrier_offset = 16400 : i64} : !pipe
  %0 = scf.if %c -> !pipe {
    scf.yield %a : !pipe
  } else {
    scf.yield %b : !pipe
  }
  // expected-error @below {{'tile.pipe.commit' op names a pipe that is not the result of a tile.pipe.create}}
  tile.pipe.commit %0[%i] : !pipe
  tile.return
}

// -----

tile.kernel @columns() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<16x64xf16, swizzle 128>
  %b = tile.alloc {offset = 2048 : i64} : !tile.shared<24x64xf16, swizzle 128>
  // expected-error @below {{'tile.mma' op is 16x24x64; a warp's products take rows, columns and K by sixteens}}
  // expected-error @below {{failed to legalize operation 'tile.mma'}}
  %0 = tile.mma %a, %b {transpose_rhs} : !tile.shared<16x64xf16, swizzle 128>, !tile.shared<24x64xf16, swizzle 128> -> !tile.pending<<16x24xf32, acc>>
  tile.return
}

// -----

tile.kernel @columns_f32() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<16x32xf32, swizzle 128>
  %b = tile.alloc {offset = 2048 : i64} : !tile.shared<24x32xf32, swizzle 128>
  // expected-error @below {{'tile.mma' op is 16x24x32; a warp's products take rows, columns and K by sixteens}}
  // expected-error @below {{failed to legalize operation 'tile.mma'}}
  %0 = tile.mma %a, %b {transpose_rhs} : !tile.shared<16x32xf32, swizzle 128>, !tile.shared<24x32xf32, swizzle 128> -> !tile.pending<<16x24xf32, acc>>
  tile.return
}

// -----

tile.kernel @depth() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<16x40xf16, swizzle 128>
  %b = tile.alloc {offset = 2048 : i64} : !tile.shared<16x40xf16, swizzle 128>
  // expected-error @below {{'tile.mma' op is 16x16x40; a warp's products take rows, columns and K by sixteens}}
  // expected-error @below {{failed to legalize operation 'tile.mma'}}
  %0 = tile.mma %a, %b {transpose_rhs} : !tile.shared<16x40xf16, swizzle 128>, !tile.shared<16x40xf16, swizzle 128> -> !tile.pending<<16x16xf32, acc>>
  tile.return
}

// -----

tile.kernel @rows(%x: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  // expected-error @below {{'tile.fill' op '!tile.frag<24x64xf32, acc>' given, allowed on sm_80: multiples of 16 rows, multiples of 8 columns}}
  %0 = tile.fill %x : f32 -> !tile.frag<24x64xf32, acc>
  tile.return
}

// -----

tile.kernel @when(%i: i32 {tile.arg = "q_len"}, %x: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %c = arith.cmpi eq, %i, %i : i32
  %a = tile.alloc {offset = 0 : i64} : !tile.shared<16x64xf16, swizzle 128>
  %o = tile.fill %x : f32 -> !tile.frag<16x16xf32, acc>
  // expected-error @below {{'tile.mma' op sm_80 always adds the accumulator: no 'when'}}
  %0 = tile.mma %a, %a acc %o : !tile.frag<16x16xf32, acc> when %c {transpose_rhs} : !tile.shared<16x64xf16, swizzle 128>, !tile.shared<16x64xf16, swizzle 128> -> !tile.pending<<16x16xf32, acc>>
  tile.return
}

// -----

tile.kernel @roles() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  // expected-error @below {{'tile.specialize' op roles need register budgets and a copy engine, which sm_80 has not}}
  tile.specialize
    role all(%u) units 1 {
    }
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <16x80xf16, swizzle 128>, cooperative>

// Elements that pass through registers are copied in whole rows.
tile.kernel @padded(%k: !tile.global<72xf16, direct> {tile.arg = "k"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["1"], tile.align = 8 : i64, tile.shared_bytes = 0 : i64} {
  %c0 = arith.constant 0 : i32
  %keys = tile.pipe.create consumers 1 {offset = 0 : i64, barrier_offset = 4096 : i64} : !pipe
  // expected-error @below {{'tile.copy' op fills 72 of 80 columns, allowed on sm_80 at alignment 8: all}}
  tile.copy %k[%c0, %c0, %c0] limit %n into %keys[%c0] : !tile.global<72xf16, direct>, !pipe
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <16x80xf16, swizzle 128>, cooperative>

// A piece of 16 bytes is copied, or is zeros.
tile.kernel @half_a_piece(%k: !tile.global<76xf16, direct> {tile.arg = "k"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %c0 = arith.constant 0 : i32
  %keys = tile.pipe.create consumers 1 {offset = 0 : i64, barrier_offset = 4096 : i64} : !pipe
  // expected-error @below {{'tile.copy' op fills 76 of 80 columns, allowed on sm_80: multiples of 16 bytes}}
  tile.copy %k[%c0, %c0, %c0] limit %n into %keys[%c0] : !tile.global<76xf16, direct>, !pipe
  tile.return
}

// -----

tile.kernel @mail() attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  // expected-error @below {{'tile.mail.create' op is between roles, which sm_80 has not}}
  %0 = tile.mail.create consumers 1 {offset = 0 : i64} : !tile.mail<1 x 1>
  tile.return
}

// -----

// Rows of keys are read in the order of K, a fragment has another.
tile.kernel @order(%x: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["1"], tile.shared_bytes = 0 : i64} {
  %k = tile.alloc {offset = 0 : i64} : !tile.shared<16x32xf32, swizzle 128>
  %q = tile.fill %x : f32 -> !tile.frag<16x32xf32, lhs>
  // expected-error @below {{'tile.mma' op sm_80 multiplies a fragment of f32 with rows along K alone: no 'transpose_rhs'}}
  %0 = tile.mma %q, %k {transpose_rhs} : !tile.frag<16x32xf32, lhs>, !tile.shared<16x32xf32, swizzle 128> -> !tile.pending<<16x16xf32, acc>>
  tile.return
}
