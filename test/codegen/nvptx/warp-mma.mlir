// Products of a warp: ldmatrix reads 16 x 16 blocks, and every tile of the warp's rows multiplies with each right
// block that is read. A fragment is a left operand as it stands.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared{target=sm_80}),tile-to-nvvm{target=sm_80},canonicalize,cse)" | FileCheck %s

// The rows of keys are N: no transposition. Two tiles of query rows, three steps of K, each read before the products
// of the one before.
// CHECK-LABEL: llvm.func @scores(
// CHECK-NOT: ldmatrix{{.*}}trans
// CHECK-COUNT-6: llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16
// CHECK-COUNT-4: llvm.nvvm.mma.m16n8k16.row.col.bf16
// CHECK-NOT: llvm.nvvm.mma
// CHECK-COUNT-3: llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16
// CHECK-COUNT-8: llvm.nvvm.mma.m16n8k16.row.col.bf16
// CHECK-NOT: llvm.nvvm
tile.kernel @scores() attributes {units = 1 : i64, grid = ["1"]} {
  %q = tile.alloc : !tile.shared<32x48xbf16, swizzle 128>
  %k = tile.alloc : !tile.shared<16x48xbf16, swizzle 128>
  %0 = tile.mma %q, %k {transpose_rhs} : !tile.shared<32x48xbf16, swizzle 128>, !tile.shared<16x48xbf16, swizzle 128> -> !tile.pending<<32x16xf32, acc>>
  %1 = tile.wait %0 : !tile.pending<<32x16xf32, acc>> -> !tile.frag<32x16xf32, acc>
  tile.return
}

// -----

// The rows of values are K: transposed on the way. Probabilities come from registers alone; nothing shuffles.
// CHECK-LABEL: llvm.func @output(
// CHECK-NOT: nvvm.shfl
// CHECK-NOT: ldmatrix.sync.aligned.m8n8.x4.b16
// CHECK-COUNT-2: llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.trans.b16
// CHECK-COUNT-2: llvm.nvvm.mma.m16n8k16.row.col.f32.f32
// CHECK-COUNT-2: llvm.nvvm.mma.m16n8k16.row.col.f32.f32
// CHECK-NOT: llvm.nvvm
tile.kernel @output(%x: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["1"]} {
  %v = tile.alloc : !tile.shared<16x32xf16, swizzle 64>
  %s = tile.fill %x : f32 -> !tile.frag<16x16xf32, acc>
  %o = tile.fill %x : f32 -> !tile.frag<16x32xf32, acc>
  %p = tile.cast %s : !tile.frag<16x16xf32, acc> to !tile.frag<16x16xf16, lhs>
  %0 = tile.mma %p, %v acc %o : !tile.frag<16x32xf32, acc> : !tile.frag<16x16xf16, lhs>, !tile.shared<16x32xf16, swizzle 64> -> !tile.pending<<16x32xf32, acc>>
  %1 = tile.wait %0 : !tile.pending<<16x32xf32, acc>> -> !tile.frag<16x32xf32, acc>
  tile.return
}

// -----

// What a warp puts into shared memory its own lanes read: they meet, and no other warp does. Loads and stores reach
// shared memory the way that products do, so no barrier fences another.
// CHECK-LABEL: llvm.func @meet(
// CHECK-NOT: fence.proxy
// CHECK: llvm.nvvm.barrier.cta.sync.aligned.all
// CHECK-NOT: fence.proxy
// CHECK: bar.warp.sync -1;
tile.kernel @meet() attributes {units = 4 : i64, grid = ["1"]} {
  tile.barrier
  tile.publish
  tile.return
}

// -----

// A warp is a unit: its rows begin at lane / 4, and its number is the thread's by 32.
// CHECK-LABEL: llvm.func @rows(
// CHECK-DAG: %[[THREAD:.*]] = nvvm.read.ptx.sreg.tid.x
// CHECK-DAG: %[[C5:.*]] = arith.constant 5 : i32
// CHECK-DAG: arith.shrui %[[THREAD]], %[[C5]]
tile.kernel @rows(%lse: !tile.global<1xf32, direct> {tile.arg = "lse"}, %n: i32 {tile.arg = "q_len"}, %x: f32 {tile.arg = "scale"}) attributes {units = 4 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %unit = tile.unit_id
  %r = tile.fill %x : f32 -> !tile.frag<32xf32, row>
  // Four rows a lane: 8 apart, in two tiles.
  // CHECK-COUNT-4: llvm.store
  // CHECK-NOT: llvm.store
  tile.store %r, %lse[%c0, %c0, %unit] limit %n : !tile.frag<32xf32, row>, !tile.global<1xf32, direct>
  tile.return
}
