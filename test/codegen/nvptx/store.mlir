// A 16-bit matrix leaves in whole sectors: two lanes exchange a word of a pair of blocks of 8 columns, and each stores
// four columns of one of them, without a branch. Of an odd number of blocks the last is stored by its own lanes alone.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

// CHECK-LABEL: llvm.func @pairs(
// CHECK: %[[FIRST:.*]] = arith.cmpi eq
// CHECK: %[[SEND:.*]] = arith.select %[[FIRST]], %[[SECOND:.*]], %[[OWN:.*]] : i32
// CHECK: %[[GOT:.*]] = nvvm.shfl.sync bfly %{{.*}}, %[[SEND]]
// CHECK: %[[LOW:.*]] = arith.select %[[FIRST]], %[[OWN]], %[[GOT]] : i32
// CHECK: %[[HIGH:.*]] = arith.select %[[FIRST]], %[[GOT]], %[[SECOND]] : i32
// CHECK: %[[INSIDE:.*]] = arith.andi %{{.*}}, %{{.*}} : i1
// CHECK: "@$3 st.global.v2.b32 [$0], {$1, $2};", "l,r,r,b,~{memory}" %{{.*}}, %[[LOW]], %[[HIGH]], %[[INSIDE]]
// CHECK-COUNT-1: st.global.v2.b32
// CHECK-NOT: st.global.v2.b32
// CHECK-NOT: llvm.store
tile.kernel @pairs(%o: !tile.global<16xbf16, direct> {tile.arg = "o"}, %x: f32 {tile.arg = "scale"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %f = tile.fill %x : f32 -> !tile.frag<64x16xf32, acc>
  %h = tile.cast %f : !tile.frag<64x16xf32, acc> to !tile.frag<64x16xbf16, acc>
  tile.store %h, %o[%c0, %c0, %c0] limit %n : !tile.frag<64x16xbf16, acc>, !tile.global<16xbf16, direct>
  tile.return
}

// -----

// CHECK-LABEL: llvm.func @odd(
// CHECK: %[[FIRST:.*]] = arith.cmpi eq
// CHECK: %[[INSIDE:.*]] = arith.andi %{{.*}}, %{{.*}} : i1
// CHECK: st.global.v2.b32 {{.*}} %[[INSIDE]] :
// CHECK: %[[LAST:.*]] = arith.andi %[[INSIDE]], %[[FIRST]]
// CHECK: st.global.v2.b32 {{.*}} %[[LAST]] :
tile.kernel @odd(%o: !tile.global<24xf16, direct> {tile.arg = "o"}, %x: f32 {tile.arg = "scale"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %f = tile.fill %x : f32 -> !tile.frag<64x32xf32, acc>
  %h = tile.cast %f : !tile.frag<64x32xf32, acc> to !tile.frag<64x32xf16, acc>
  tile.store %h, %o[%c0, %c0, %c0] limit %n : !tile.frag<64x32xf16, acc>, !tile.global<24xf16, direct>
  tile.return
}

// -----

// Rows that are no multiples of 8 bytes apart go as before.
// CHECK-LABEL: llvm.func @unaligned(
// CHECK-NOT: st.global.v2
// CHECK: llvm.store {{.*}} {alignment = 4 : i64}
tile.kernel @unaligned(%o: !tile.global<16xf16, direct> {tile.arg = "o"}, %x: f32 {tile.arg = "scale"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"], tile.align = 4 : i64} {
  %c0 = arith.constant 0 : i32
  %f = tile.fill %x : f32 -> !tile.frag<64x16xf32, acc>
  %h = tile.cast %f : !tile.frag<64x16xf32, acc> to !tile.frag<64x16xf16, acc>
  tile.store %h, %o[%c0, %c0, %c0] limit %n : !tile.frag<64x16xf16, acc>, !tile.global<16xf16, direct>
  tile.return
}
