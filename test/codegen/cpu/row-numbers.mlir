// A row fragment of row numbers lies along its rows: a vector of them counts up.
// RUN: attn-opt %s --tile-to-host --canonicalize --cse | FileCheck %s

// CHECK-LABEL: llvm.func @numbers(
// CHECK: %[[STEPS:.*]] = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : vector<8xi32>
// CHECK: scf.for %[[ROW:.*]] =
// CHECK: %[[NARROW:.*]] = arith.trunci %[[ROW]]
// CHECK: %[[FIRST:.*]] = arith.addi %{{.*}}, %[[NARROW]]
// CHECK: llvm.insertelement %[[FIRST]]
// CHECK: %[[NUMBERS:.*]] = arith.addi %{{.*}}, %[[STEPS]]
// CHECK: arith.sitofp %[[NUMBERS]]
tile.kernel @numbers(%lse: !tile.global<1xf32, direct> {tile.arg = "lse"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %rows = tile.coord %n dim 0 : !tile.frag<16xi32, row>
  %r = tile.map %rows : (!tile.frag<16xi32, row>) -> !tile.frag<16xf32, row> {
  ^bb0(%i: i32):
    %x = arith.sitofp %i : i32 to f32
    tile.yield %x : f32
  }
  tile.store %r, %lse[%c0, %c0, %c0] limit %n : !tile.frag<16xf32, row>, !tile.global<1xf32, direct>
  tile.return
}
