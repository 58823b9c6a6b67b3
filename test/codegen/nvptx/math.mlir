// exp2, log2 and tanh are the approximate instructions, one a scalar; rounding is left to none of them.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

// CHECK-LABEL: llvm.func @math(
// CHECK: llvm.nvvm.ex2.approx.ftz.f32
// CHECK: llvm.nvvm.lg2.approx.ftz.f
// CHECK: tanh.approx.f32 $0, $1;
tile.kernel @math(%x: f32 {tile.arg = "scale"}, %o: !tile.global<1xf32, direct> {tile.arg = "lse"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %r = tile.fill %x : f32 -> !tile.frag<64xf32, row>
  %m = tile.map %r : (!tile.frag<64xf32, row>) -> !tile.frag<64xf32, row> {
  ^bb0(%a: f32):
    %b = math.exp2 %a : f32
    %c = math.log2 %b : f32
    %d = math.tanh %c : f32
    tile.yield %d : f32
  }
  tile.store %m, %o[%c0, %c0, %c0] limit %n : !tile.frag<64xf32, row>, !tile.global<1xf32, direct>
  tile.return
}
