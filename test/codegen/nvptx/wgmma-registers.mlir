// A product with a left operand in registers: four words a step, accumulators tied, and a right operand whose K runs along the rows, panel after panel.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

// CHECK-LABEL: llvm.func @values(
// Leading offset: a panel of 32 rows of 128 bytes. Steps of 16 rows are 2048 bytes, 128 units of 16.
// CHECK-DAG: %[[FIXED:.*]] = arith.constant 4611686293322072064 : i64
// CHECK-DAG: %[[STEP:.*]] = arith.constant 128 : i64
// CHECK: %[[BASE:.*]] = arith.ori %{{.*}}, %[[FIXED]] : i64
// CHECK: arith.addi %[[BASE]], %[[STEP]] : i64
// CHECK: "wgmma.fence.sync.aligned;
// CHECK-SAME: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {{{.*}}}, {{{\$64, \$65, \$66, \$67}}}, $68, 1, 1, 1, 1;
// CHECK-SAME: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {{{.*}}}, {{{\$69, \$70, \$71, \$72}}}, $73, 1, 1, 1, 1;
// CHECK-SAME: wgmma.commit_group.sync.aligned;", "{{(=&f,)+0,1,.*,31,r,r,r,r,l,r,r,r,r,l"}}
// CHECK: "wgmma.wait_group.sync.aligned 1;", "=f,
tile.kernel @values(%p: !tile.global<32xbf16, direct> {tile.arg = "q"}, %o: !tile.global<64xf32, direct> {tile.arg = "o"},
                    %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant 0.0 : f32
  %v = tile.alloc : !tile.shared<32x64xbf16, swizzle 128>
  %lhs = tile.load %p[%c0, %c0, %c0] limit %n : !tile.global<32xbf16, direct> -> !tile.frag<64x32xbf16, lhs>
  %acc = tile.fill %zero : f32 -> !tile.frag<64x64xf32, acc>
  %0 = tile.mma %lhs, %v acc %acc : !tile.frag<64x64xf32, acc> : !tile.frag<64x32xbf16, lhs>, !tile.shared<32x64xbf16, swizzle 128> -> !tile.pending<<64x64xf32, acc>>
  %1 = tile.wait %0 {in_flight = 1 : i64} : !tile.pending<<64x64xf32, acc>> -> !tile.frag<64x64xf32, acc>
  tile.store %1, %o[%c0, %c0, %c0] limit %n : !tile.frag<64x64xf32, acc>, !tile.global<64xf32, direct>
  tile.return
}

// -----

// An accumulator that counts only where it is told: a predicate in the first step.
// CHECK-LABEL: llvm.func @counts(
// CHECK: %[[YES:.*]] = arith.cmpi
// CHECK: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {{{.*}}}, {{{\$65, \$66, \$67, \$68}}}, $69, $64, 1, 1, 1;
// CHECK-SAME: wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {{{.*}}}, $74, 1, 1, 1, 1;
// CHECK-SAME: 31,b,r,r,r,r,l,
// CHECK-SAME: %[[YES]],
tile.kernel @counts(%p: !tile.global<32xbf16, direct> {tile.arg = "q"}, %o: !tile.global<64xf32, direct> {tile.arg = "o"},
                    %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant 0.0 : f32
  %yes = arith.cmpi sgt, %n, %c0 : i32
  %v = tile.alloc : !tile.shared<32x64xbf16, swizzle 128>
  %lhs = tile.load %p[%c0, %c0, %c0] limit %n : !tile.global<32xbf16, direct> -> !tile.frag<64x32xbf16, lhs>
  %acc = tile.fill %zero : f32 -> !tile.frag<64x64xf32, acc>
  %0 = tile.mma %lhs, %v acc %acc : !tile.frag<64x64xf32, acc> when %yes : !tile.frag<64x32xbf16, lhs>, !tile.shared<32x64xbf16, swizzle 128> -> !tile.pending<<64x64xf32, acc>>
  %1 = tile.wait %0 : !tile.pending<<64x64xf32, acc>> -> !tile.frag<64x64xf32, acc>
  tile.store %1, %o[%c0, %c0, %c0] limit %n : !tile.frag<64x64xf32, acc>, !tile.global<64xf32, direct>
  tile.return
}
