// A delay before every op that waits, signals or touches memory, each of a place of its own; the kernel gets the seed.
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-insert-delays))" | FileCheck %s

// CHECK-LABEL: tile.kernel @delays(
// CHECK-SAME: %[[SEED:arg1]]: i32 {tile.arg = "delay_seed"}
tile.kernel @delays(%q: !tile.global<64xf16, direct> {tile.arg = "q"}) attributes {units = 1 : i64, grid = ["1"]} {
  // CHECK-NOT: tile.delay
  // CHECK: tile.pipe.create
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <64x64xf16, swizzle 0>, cooperative>
  %zero = arith.constant 0 : i32
  // CHECK: %[[USE:.*]] = arith.constant 5
  %use = arith.constant 5 : i32
  // CHECK-NEXT: tile.delay %[[SEED]] at 0 use %[[USE]]
  // CHECK-NEXT: tile.pipe.acquire
  tile.pipe.acquire %pipe[%use] : !tile.pipe<1 x <64x64xf16, swizzle 0>, cooperative>
  // CHECK-NEXT: tile.delay %[[SEED]] at 1 use %[[USE]]
  // CHECK-NEXT: tile.copy
  tile.copy %q[%zero, %zero, %zero] limit %use into %pipe[%use] : !tile.global<64xf16, direct>, !tile.pipe<1 x <64x64xf16, swizzle 0>, cooperative>
  // CHECK: at 2 use
  // CHECK-NEXT: tile.pipe.commit
  tile.pipe.commit %pipe[%use] : !tile.pipe<1 x <64x64xf16, swizzle 0>, cooperative>
  // CHECK-NEXT: at 3 use
  // CHECK-NEXT: tile.pipe.wait
  %tile = tile.pipe.wait %pipe[%use] : !tile.pipe<1 x <64x64xf16, swizzle 0>, cooperative> -> !tile.shared<64x64xf16, swizzle 0>
  // CHECK-NEXT: tile.delay %[[SEED]] at 4
  // CHECK-NEXT: tile.mma
  %product = tile.mma %tile, %tile {transpose_rhs} : !tile.shared<64x64xf16, swizzle 0>, !tile.shared<64x64xf16, swizzle 0> -> !tile.pending<<64x64xf32, acc>>
  // CHECK-NEXT: tile.delay %[[SEED]] at 5
  // CHECK-NEXT: tile.wait
  %sum = tile.wait %product : !tile.pending<<64x64xf32, acc>> -> !tile.frag<64x64xf32, acc>
  // CHECK-NEXT: at 6 use %[[USE]]
  // CHECK-NEXT: tile.pipe.release
  // CHECK-NEXT: tile.return
  tile.pipe.release %pipe[%use] : !tile.pipe<1 x <64x64xf16, swizzle 0>, cooperative>
  tile.return
}
