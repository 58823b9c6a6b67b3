// Rows that no store writes are not computed: the product and the sweep after it end at the limit that
// all stores share. Where two stores differ, every row is computed.
// RUN: attn-opt %s --tile-to-host --cse | FileCheck %s

// CHECK-LABEL: llvm.func @one_limit(
// CHECK: %[[LIVE:.*]] = arith.minsi %{{.*}}, %c24_i64
// CHECK: %[[BLOCKS:.*]] = arith.minsi %[[LIVE]], %c24_i64
// CHECK: scf.for {{.*}} to %[[BLOCKS]] step %c6_i64
// CHECK: llvm.intr.fma
// CHECK: scf.for {{.*}} to %[[LIVE]] step %c8_i64
// CHECK: arith.mulf

// CHECK-LABEL: llvm.func @two_limits(
// CHECK: scf.for {{.*}} = %c0_i64 to %c24_i64 step %c6_i64
// CHECK: scf.for {{.*}} = %c0_i64 to %c24_i64 step %c8_i64
tile.kernel @one_limit(%q: !tile.global<16xf32, direct> {tile.arg = "q"}, %k: !tile.global<16xf32, direct> {tile.arg = "k"},
                  %o: !tile.global<16xf32, direct> {tile.arg = "o"}, %v: !tile.global<16xf32, direct> {tile.arg = "v"},
                  %len: i32 {tile.arg = "q_len"}, %other: i32 {tile.arg = "kv_len"})
    attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>
  %lhs = tile.load %q[%c0, %c0, %c0] limit %len : !tile.global<16xf32, direct> -> !tile.frag<24x16xf32, lhs>
  tile.copy %k[%c0, %c0, %c0] limit %other into %pipe[%c0] : !tile.global<16xf32, direct>, !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>
  %rhs = tile.pipe.wait %pipe[%c0] : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative> -> !tile.shared<16x16xf32, swizzle 0>
  %p = tile.mma %lhs, %rhs : !tile.frag<24x16xf32, lhs>, !tile.shared<16x16xf32, swizzle 0> -> !tile.pending<<24x16xf32, acc>>
  %s = tile.wait %p : !tile.pending<<24x16xf32, acc>> -> !tile.frag<24x16xf32, acc>
  %d = tile.map %s : (!tile.frag<24x16xf32, acc>) -> !tile.frag<24x16xf32, acc> {
  ^bb0(%x: f32):
    %y = arith.mulf %x, %x : f32
    tile.yield %y : f32
  }
  tile.store %d, %o[%c0, %c0, %c0] limit %len : !tile.frag<24x16xf32, acc>, !tile.global<16xf32, direct>
  tile.store %d, %v[%c0, %c0, %c0] limit %len : !tile.frag<24x16xf32, acc>, !tile.global<16xf32, direct>
  tile.return
}

tile.kernel @two_limits(%q: !tile.global<16xf32, direct> {tile.arg = "q"}, %k: !tile.global<16xf32, direct> {tile.arg = "k"},
                  %o: !tile.global<16xf32, direct> {tile.arg = "o"}, %v: !tile.global<16xf32, direct> {tile.arg = "v"},
                  %len: i32 {tile.arg = "q_len"}, %other: i32 {tile.arg = "kv_len"})
    attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>
  %lhs = tile.load %q[%c0, %c0, %c0] limit %len : !tile.global<16xf32, direct> -> !tile.frag<24x16xf32, lhs>
  tile.copy %k[%c0, %c0, %c0] limit %other into %pipe[%c0] : !tile.global<16xf32, direct>, !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative>
  %rhs = tile.pipe.wait %pipe[%c0] : !tile.pipe<1 x <16x16xf32, swizzle 0>, cooperative> -> !tile.shared<16x16xf32, swizzle 0>
  %p = tile.mma %lhs, %rhs : !tile.frag<24x16xf32, lhs>, !tile.shared<16x16xf32, swizzle 0> -> !tile.pending<<24x16xf32, acc>>
  %s = tile.wait %p : !tile.pending<<24x16xf32, acc>> -> !tile.frag<24x16xf32, acc>
  %d = tile.map %s : (!tile.frag<24x16xf32, acc>) -> !tile.frag<24x16xf32, acc> {
  ^bb0(%x: f32):
    %y = arith.mulf %x, %x : f32
    tile.yield %y : f32
  }
  tile.store %d, %o[%c0, %c0, %c0] limit %len : !tile.frag<24x16xf32, acc>, !tile.global<16xf32, direct>
  tile.store %d, %v[%c0, %c0, %c0] limit %other : !tile.frag<24x16xf32, acc>, !tile.global<16xf32, direct>
  tile.return
}
