// Inputs that a map does not read go; a cast to the same type is its operand.
// RUN: attn-opt %s --canonicalize | FileCheck %s

!acc = !tile.frag<64x64xf32, acc>

// CHECK-LABEL: func @unread(
// CHECK-SAME: %[[A:.*]]: !tile.frag<64x64xf32, acc>, %[[B:.*]]: !tile.frag
// CHECK: tile.map %[[B]] : (!tile.frag<64x64xf32, acc>) -> !tile.frag<64x64xf32, acc> {
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32):
// CHECK-NEXT: tile.yield %[[X]] : f32
func.func @unread(%a: !acc, %b: !acc) -> !acc {
  %0 = tile.map %a, %b : (!acc, !acc) -> !acc {
  ^bb0(%x: f32, %y: f32):
    tile.yield %y : f32
  }
  return %0 : !acc
}

// CHECK-LABEL: func @read(
// CHECK: tile.map %{{.*}}, %{{.*}} :
func.func @read(%a: !acc, %b: !acc) -> !acc {
  %0 = tile.map %a, %b : (!acc, !acc) -> !acc {
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %x, %y : f32
    tile.yield %z : f32
  }
  return %0 : !acc
}

// CHECK-LABEL: func @same(
// CHECK-SAME: %[[A:.*]]: !tile.frag
// CHECK-NEXT: return %[[A]]
func.func @same(%a: !acc) -> !acc {
  %0 = tile.cast %a : !acc to !acc
  return %0 : !acc
}

// CHECK-LABEL: func @narrows(
// CHECK-NEXT: tile.cast
func.func @narrows(%a: !acc) -> !tile.frag<64x64xf16, acc> {
  %0 = tile.cast %a : !acc to !tile.frag<64x64xf16, acc>
  return %0 : !tile.frag<64x64xf16, acc>
}

// Dead values without effects go; products, copies and barriers stay.
// CHECK-LABEL: func @effects(
// CHECK-NOT: tile.coord
// CHECK: tile.mma
// CHECK: tile.barrier
func.func @effects(%a: !tile.frag<64x64xf16, lhs>, %b: !tile.shared<64x64xf16, swizzle 128>,
                   %n: i32) {
  %dead = tile.coord %n dim 0 : !tile.frag<64x64xi32, acc>
  %0 = tile.mma %a, %b : !tile.frag<64x64xf16, lhs>, !tile.shared<64x64xf16, swizzle 128> -> !tile.pending<!acc>
  tile.barrier
  return
}
