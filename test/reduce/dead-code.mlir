// attn-reduce takes a pass's result where a script still finds it interesting: dead ops go, the rest stays.
// (LLVM 22's other mode, reduction-tree, crashes in mlir-reduce itself.)
// RUN: attn-reduce %s --opt-reduction-pass="opt-pass=canonicalize test=%S/Inputs/has-anchor.sh" | FileCheck %s

// CHECK-LABEL: tile.kernel @interesting(
// CHECK-NOT: tile.coord
// CHECK-NOT: tile.map
// CHECK: tile.anchor
// CHECK-NEXT: tile.pipe.release
tile.kernel @interesting(%x: f32 {tile.arg = "scale"}, %n: i32 {tile.arg = "kv_len"})
    attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %ring = tile.pipe.create consumers 1 : !tile.pipe<1 x <64x64xf16, swizzle 0>, cooperative>
  %column = tile.coord %n dim 1 : !tile.frag<64x64xi32, acc>
  %dead = tile.map %column : (!tile.frag<64x64xi32, acc>) -> !tile.frag<64x64xi32, acc> {
  ^bb0(%i: i32):
    tile.yield %i : i32
  }
  %sum = tile.fill %x : f32 -> !tile.frag<64xf32, partial>
  %truth = tile.anchor %sum : !tile.frag<64xf32, partial>
  tile.pipe.release %ring[%c0] when %truth : !tile.pipe<1 x <64x64xf16, swizzle 0>, cooperative>
  tile.return
}
