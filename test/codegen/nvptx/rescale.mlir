// Rows are multiplied where a factor of the wave is not 1, and are left alone elsewhere. A target whose waves do not
// ask multiplies always.
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared{target=gfx942}),tile-to-rocdl{target=gfx942},canonicalize,cse)" | FileCheck %s --check-prefix=ALWAYS

// CHECK-LABEL: llvm.func @rescaled(
// CHECK: %[[LOW:.*]] = arith.cmpf une, %{{.*}}, %[[ONE:.*]] : f32
// CHECK: %[[HIGH:.*]] = arith.cmpf une, %{{.*}}, %[[ONE]] : f32
// CHECK: %[[MINE:.*]] = arith.ori %[[LOW]], %[[HIGH]] : i1
// CHECK: %[[ANY:.*]] = llvm.call_intrinsic "llvm.nvvm.vote.any.sync"(%{{.*}}, %[[MINE]])
// CHECK: scf.if %[[ANY]] -> (vector<8xf32>) {
// CHECK-NEXT: %[[MOVED:.*]] = arith.mulf
// CHECK-NEXT: scf.yield %[[MOVED]]
// CHECK-NEXT: } else {
// CHECK-NEXT: scf.yield

// ALWAYS-LABEL: llvm.func @rescaled(
// ALWAYS-NOT: scf.if {{.*}} -> (vector
// ALWAYS: arith.mulf
tile.kernel @rescaled(%q: !tile.global<1xf32, direct> {tile.arg = "q"}, %o: !tile.global<16xf32, direct> {tile.arg = "o"}, %x: f32 {tile.arg = "scale"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %all = tile.fill %x : f32 -> !tile.frag<64x16xf32, acc>
  %sums = tile.reduce max %all : !tile.frag<64x16xf32, acc> -> !tile.frag<64xf32, partial>
  %factors = tile.combine max %sums : !tile.frag<64xf32, partial> -> !tile.frag<64xf32, row>
  %scaled = tile.rescale %all by %factors : !tile.frag<64x16xf32, acc>, !tile.frag<64xf32, row>
  tile.store %scaled, %o[%c0, %c0, %c0] limit %n : !tile.frag<64x16xf32, acc>, !tile.global<16xf32, direct>
  tile.return
}
