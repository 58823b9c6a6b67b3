// A product of two shared tiles is one asm of wgmmas with two descriptors each, for each swizzle: between
// fence and commit, the first of a fresh accumulator takes none, the rest add to it.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

// 128-byte swizzle: K runs along the columns, 64 a panel.
// CHECK-LABEL: llvm.func @swizzle_128(
// CHECK-DAG: %[[FIXED:.*]] = arith.constant 4611686293305360384 : i64
// CHECK: arith.ori %{{.*}}, %[[FIXED]] : i64
// CHECK: "wgmma.fence.sync.aligned;
// CHECK-SAME: wgmma.mma_async.sync.aligned.m64n16k16.f32.f16.f16 {{{.*}}}, $8, $9, 0, 1, 1, 0, 0;
// CHECK-SAME: wgmma.mma_async.sync.aligned.m64n16k16.f32.f16.f16 {{{.*}}}, $10, $11, 1, 1, 1, 0, 0;
// CHECK-SAME: wgmma.commit_group.sync.aligned;", "{{(=&f,)+(l,?)+}}"
// CHECK: wgmma.wait_group.sync.aligned 0;
tile.kernel @swizzle_128() attributes {units = 1 : i64, grid = ["1"]} {
  %q = tile.alloc : !tile.shared<64x64xf16, swizzle 128>
  %k = tile.alloc : !tile.shared<16x64xf16, swizzle 128>
  %0 = tile.mma %q, %k {transpose_rhs} : !tile.shared<64x64xf16, swizzle 128>, !tile.shared<16x64xf16, swizzle 128> -> !tile.pending<<64x16xf32, acc>>
  %1 = tile.wait %0 : !tile.pending<<64x16xf32, acc>> -> !tile.frag<64x16xf32, acc>
  tile.return
}

// 64-byte swizzle: K runs along the columns, 32 a panel.
// CHECK-LABEL: llvm.func @swizzle_64(
// CHECK-DAG: %[[FIXED:.*]] = arith.constant -9223371899415756800 : i64
// CHECK: arith.ori %{{.*}}, %[[FIXED]] : i64
// CHECK: "wgmma.fence.sync.aligned;
// CHECK-SAME: wgmma.mma_async.sync.aligned.m64n16k16.f32.f16.f16 {{{.*}}}, $8, $9, 0, 1, 1, 0, 0;
// CHECK-SAME: wgmma.mma_async.sync.aligned.m64n16k16.f32.f16.f16 {{{.*}}}, $10, $11, 1, 1, 1, 0, 0;
// CHECK-SAME: wgmma.commit_group.sync.aligned;", "{{(=&f,)+(l,?)+}}"
// CHECK: wgmma.wait_group.sync.aligned 0;
tile.kernel @swizzle_64() attributes {units = 1 : i64, grid = ["1"]} {
  %q = tile.alloc : !tile.shared<64x32xf16, swizzle 64>
  %k = tile.alloc : !tile.shared<16x32xf16, swizzle 64>
  %0 = tile.mma %q, %k {transpose_rhs} : !tile.shared<64x32xf16, swizzle 64>, !tile.shared<16x32xf16, swizzle 64> -> !tile.pending<<64x16xf32, acc>>
  %1 = tile.wait %0 : !tile.pending<<64x16xf32, acc>> -> !tile.frag<64x16xf32, acc>
  tile.return
}

// 32-byte swizzle: K runs along the columns, 16 a panel.
// CHECK-LABEL: llvm.func @swizzle_32(
// CHECK-DAG: %[[FIXED:.*]] = arith.constant -4611685949707845632 : i64
// CHECK: arith.ori %{{.*}}, %[[FIXED]] : i64
// CHECK: "wgmma.fence.sync.aligned;
// CHECK-SAME: wgmma.mma_async.sync.aligned.m64n16k16.f32.f16.f16 {{{.*}}}, $8, $9, 0, 1, 1, 0, 0;
// CHECK-SAME: wgmma.commit_group.sync.aligned;", "=&f,=&f,=&f,=&f,=&f,=&f,=&f,=&f,l,l"
// CHECK: wgmma.wait_group.sync.aligned 0;
tile.kernel @swizzle_32() attributes {units = 1 : i64, grid = ["1"]} {
  %q = tile.alloc : !tile.shared<64x16xf16, swizzle 32>
  %k = tile.alloc : !tile.shared<16x16xf16, swizzle 32>
  %0 = tile.mma %q, %k {transpose_rhs} : !tile.shared<64x16xf16, swizzle 32>, !tile.shared<16x16xf16, swizzle 32> -> !tile.pending<<64x16xf32, acc>>
  %1 = tile.wait %0 : !tile.pending<<64x16xf32, acc>> -> !tile.frag<64x16xf32, acc>
  tile.return
}
