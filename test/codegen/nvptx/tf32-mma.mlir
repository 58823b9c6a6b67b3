// Products of a warp on operands of f32. Full precision takes each operand apart and adds three products, of every 16
// of K by themselves; tf32 rounds the operands and multiplies once, into the accumulator.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared{target=sm_80}),tile-to-nvvm{target=sm_80},canonicalize,cse)" | FileCheck %s
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared{target=sm_90a}),tile-to-nvvm{target=sm_90a},canonicalize,cse)" | FileCheck %s

// Rows of keys are N: ldmatrix gives a lane the element that it multiplies. Two blocks of K: the second's sums are
// added with rounding.
// CHECK-LABEL: llvm.func @scores(
// CHECK: %[[MASK:.*]] = arith.constant -8192 : i32
// CHECK: llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16
// CHECK: arith.andi %{{.*}}, %[[MASK]]
// CHECK: arith.subf
// CHECK-COUNT-12: llvm.nvvm.mma.m16n8k8.row.col.tf32
// CHECK-NOT: arith.addf
// CHECK-COUNT-12: llvm.nvvm.mma.m16n8k8.row.col.tf32
// CHECK-COUNT-8: arith.addf
// CHECK-NOT: llvm.nvvm.mma
tile.kernel @scores(%o: !tile.global<16xf32, direct> {tile.arg = "o"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"], tile.warps} {
  %q = tile.alloc : !tile.shared<16x32xf32, swizzle 128>
  %k = tile.alloc : !tile.shared<16x32xf32, swizzle 128>
  %0 = tile.mma %q, %k {transpose_rhs} : !tile.shared<16x32xf32, swizzle 128>, !tile.shared<16x32xf32, swizzle 128> -> !tile.pending<<16x16xf32, acc>>
  %1 = tile.wait %0 : !tile.pending<<16x16xf32, acc>> -> !tile.frag<16x16xf32, acc>
  %c0 = arith.constant 0 : i32
  tile.store %1, %o[%c0, %c0, %c0] limit %n : !tile.frag<16x16xf32, acc>, !tile.global<16xf32, direct>
  tile.return
}

// -----

// Rows of values are K: a lane loads its own. Probabilities come from registers alone; nothing shuffles.
// CHECK-LABEL: llvm.func @output(
// CHECK-NOT: nvvm.shfl
// CHECK-NOT: ldmatrix
// CHECK-COUNT-8: llvm.load %{{.*}} : !llvm.ptr<3> -> i32
// CHECK: llvm.nvvm.f2tf32.rna
// CHECK-COUNT-4: llvm.nvvm.mma.m16n8k8.row.col.tf32
// CHECK-NOT: llvm.nvvm.mma
// CHECK-NOT: arith.addf
tile.kernel @output(%x: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["1"], tile.warps} {
  %v = tile.alloc : !tile.shared<16x16xf32, swizzle 64>
  %s = tile.fill %x : f32 -> !tile.frag<16x16xf32, acc>
  %p = tile.cast %s : !tile.frag<16x16xf32, acc> to !tile.frag<16x16xf32, lhs>
  %0 = tile.mma %p, %v acc %s : !tile.frag<16x16xf32, acc> {tf32} : !tile.frag<16x16xf32, lhs>, !tile.shared<16x16xf32, swizzle 64> -> !tile.pending<<16x16xf32, acc>>
  %1 = tile.wait %0 : !tile.pending<<16x16xf32, acc>> -> !tile.frag<16x16xf32, acc>
  tile.return
}
