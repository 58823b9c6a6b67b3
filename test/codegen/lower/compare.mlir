// A signed comparison of a coordinate moves the thread's base to the other side; an unsigned one moves
// nothing, since a difference below zero would be a huge number.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

!tile = !tile.frag<64x16xi32, acc>
!some = !tile.frag<64x16xf32, acc>

// CHECK-LABEL: llvm.func @signed(
// CHECK-DAG: %[[COLUMNS:.*]] = arith.constant dense<[0, 1, 0, 1, 8, 9, 8, 9]> : vector<8xi32>
// CHECK: %[[LIMIT:.*]] = arith.subi
// CHECK: arith.cmpi sgt, %[[LIMIT]], %[[COLUMNS]] : vector<8xi32>
tile.kernel @signed(%o: !tile.global<16xf32, direct> {tile.arg = "o"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %kv = tile.coord %n dim 1 : !tile
  %p = tile.map %kv {no_wrap} : (!tile) -> !some {
  ^bb0(%j: i32):
    %end = arith.constant 100 : i32
    %low = arith.constant 1.0 : f32
    %high = arith.constant 2.0 : f32
    %before = arith.cmpi slt, %j, %end : i32
    %s = arith.select %before, %low, %high : f32
    tile.yield %s : f32
  }
  tile.store %p, %o[%c0, %c0, %c0] limit %n : !some, !tile.global<16xf32, direct>
  tile.return
}

// -----

!tile = !tile.frag<64x16xi32, acc>
!some = !tile.frag<64x16xf32, acc>

// CHECK-LABEL: llvm.func @unsigned(
// CHECK-DAG: %[[COLUMNS:.*]] = arith.constant dense<[0, 1, 0, 1, 8, 9, 8, 9]> : vector<8xi32>
// CHECK-DAG: %[[END:.*]] = arith.constant dense<100> : vector<8xi32>
// CHECK: %[[KEYS:.*]] = arith.addi %{{.*}}, %[[COLUMNS]] : vector<8xi32>
// CHECK: arith.cmpi ult, %[[KEYS]], %[[END]] : vector<8xi32>
tile.kernel @unsigned(%o: !tile.global<16xf32, direct> {tile.arg = "o"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %kv = tile.coord %n dim 1 : !tile
  %p = tile.map %kv {no_wrap} : (!tile) -> !some {
  ^bb0(%j: i32):
    %end = arith.constant 100 : i32
    %low = arith.constant 1.0 : f32
    %high = arith.constant 2.0 : f32
    %before = arith.cmpi ult, %j, %end : i32
    %s = arith.select %before, %low, %high : f32
    tile.yield %s : f32
  }
  tile.store %p, %o[%c0, %c0, %c0] limit %n : !some, !tile.global<16xf32, direct>
  tile.return
}
