// f32 fragments narrow two elements an instruction, the upper one first.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

// CHECK-LABEL: llvm.func @half(
// CHECK: %[[LOW:.*]] = vector.extract %[[ALL:.*]][0]
// CHECK: %[[HIGH:.*]] = vector.extract %[[ALL]][1]
// CHECK: llvm.nvvm.ff2f16x2.rn"(%[[HIGH]], %[[LOW]])
// CHECK-COUNT-3: llvm.nvvm.ff2f16x2.rn
// CHECK-NOT: llvm.nvvm.ff2f16x2.rn
tile.kernel @half(%k: !tile.global<16xf32, direct> {tile.arg = "q"}, %o: !tile.global<16xf16, direct> {tile.arg = "o"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %x = arith.constant 1.0 : f32
  %column = tile.coord %n dim 1 : !tile.frag<64x16xi32, acc>
  %s = tile.map %column : (!tile.frag<64x16xi32, acc>) -> !tile.frag<64x16xf32, acc> {
  ^bb0(%j: i32):
    %y = arith.sitofp %j : i32 to f32
    tile.yield %y : f32
  }
  %h = tile.cast %s : !tile.frag<64x16xf32, acc> to !tile.frag<64x16xf16, acc>
  tile.store %h, %o[%c0, %c0, %c0] limit %n : !tile.frag<64x16xf16, acc>, !tile.global<16xf16, direct>
  tile.return
}

// Neither f16 nor bf16 holds the other: the way is by f32.
// CHECK-LABEL: llvm.func @between(
// CHECK: %[[WIDE:.*]] = arith.extf %{{.*}} : vector<8xbf16> to vector<8xf32>
// CHECK: arith.truncf %[[WIDE]] : vector<8xf32> to vector<8xf16>
tile.kernel @between(%q: !tile.global<16xbf16, direct> {tile.arg = "q"}, %o: !tile.global<16xf16, direct> {tile.arg = "o"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %s = tile.load %q[%c0, %c0, %c0] limit %n : !tile.global<16xbf16, direct> -> !tile.frag<64x16xbf16, lhs>
  %h = tile.cast %s : !tile.frag<64x16xbf16, lhs> to !tile.frag<64x16xf16, lhs>
  %t = tile.alloc : !tile.shared<64x16xf16, swizzle 32>
  tile.put %h, %t : !tile.frag<64x16xf16, lhs>, !tile.shared<64x16xf16, swizzle 32>
  tile.return
}
