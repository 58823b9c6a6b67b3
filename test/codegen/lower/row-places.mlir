// Rows that have places of their own: a row fragment numbers rows as the target's lanes hold them, and each row is
// stored to its own head, where its own number is before the limit.
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s --check-prefixes=CHECK,SM90
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared{target=gfx942}),tile-to-rocdl{target=gfx942},canonicalize,cse)" | FileCheck %s --check-prefixes=CHECK,GFX942

!rows = !tile.frag<64xi32, row>

// Two rows a lane, 8 apart; on gfx942 four, a product's 16 apart.
// CHECK-LABEL: llvm.func @places(
// SM90: %[[SLOTS:.*]] = arith.constant dense<[0, 8]> : vector<2xi32>
// GFX942: %[[SLOTS:.*]] = arith.constant dense<[0, 16, 32, 48]> : vector<4xi32>
// CHECK: %[[NUMBER:.*]] = arith.addi %{{.*}}, %[[SLOTS]]
// CHECK: %[[HEADS:.*]] = arith.shrui %[[NUMBER]]
// CHECK: %[[ROWS:.*]] = arith.andi %[[NUMBER]]
// CHECK: %[[ROW:.*]] = vector.extract %[[ROWS]][0]
// CHECK: %[[AT:.*]] = arith.addi %[[FIRST:.*]], %[[ROW]] : i32
// CHECK: %[[HEAD:.*]] = vector.extract %[[HEADS]][0]
// CHECK: arith.addi %[[FIRST]], %[[HEAD]] : i32
// CHECK: arith.cmpi slt, %[[AT]], %[[LIMIT:.*]] : i32
// CHECK: %[[ROW1:.*]] = vector.extract %[[ROWS]][1]
// CHECK: %[[AT1:.*]] = arith.addi %[[FIRST]], %[[ROW1]] : i32
// CHECK: vector.extract %[[HEADS]][1]
// CHECK: arith.cmpi slt, %[[AT1]], %[[LIMIT]] : i32
tile.kernel @places(%lse: !tile.global<1xf32, direct> {tile.arg = "lse"}, %n: i32 {tile.arg = "q_len"}, %first: i32 {tile.arg = "kv_len"}, %x: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %r = tile.fill %x : f32 -> !tile.frag<64xf32, row>
  %number = tile.coord %c0 dim 0 : !rows
  %heads = tile.map %number : (!rows) -> !rows {
  ^bb0(%i: i32):
    %by = arith.constant 5 : i32
    %head = arith.shrui %i, %by : i32
    tile.yield %head : i32
  }
  %rows = tile.map %number : (!rows) -> !rows {
  ^bb0(%i: i32):
    %by = arith.constant 31 : i32
    %row = arith.andi %i, %by : i32
    tile.yield %row : i32
  }
  tile.store %r, %lse[%c0, %first, %first] limit %n plus %heads, %rows : !rows, !rows : !tile.frag<64xf32, row>, !tile.global<1xf32, direct>
  tile.return
}
