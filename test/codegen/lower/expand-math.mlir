// exp, log, powf and tanh become exp2, log2 and arithmetic; tanh stays where the target has it.
// RUN: attn-opt %s --split-input-file --tile-expand-math | FileCheck %s --check-prefixes=CHECK,EXPANDED
// RUN: attn-opt %s --split-input-file --tile-expand-math=keep-tanh=true | FileCheck %s --check-prefixes=CHECK,KEPT

// CHECK-LABEL: func @exp(
// CHECK-SAME: %[[X:.*]]: f32
// CHECK: %[[LOG2E:.*]] = arith.constant 1.44269502 : f32
// CHECK: %[[SCALED:.*]] = arith.mulf %[[X]], %[[LOG2E]] : f32
// CHECK: %[[Y:.*]] = math.exp2 %[[SCALED]] : f32
// CHECK: return %[[Y]]
func.func @exp(%x: f32) -> f32 {
  %y = math.exp %x : f32
  return %y : f32
}

// CHECK-LABEL: func @log(
// CHECK-SAME: %[[X:.*]]: f32
// CHECK: %[[LN2:.*]] = arith.constant 0.693147182 : f32
// CHECK: %[[LOG:.*]] = math.log2 %[[X]] : f32
// CHECK: arith.mulf %[[LOG]], %[[LN2]] : f32
func.func @log(%x: f32) -> f32 {
  %y = math.log %x : f32
  return %y : f32
}

// C's pow: the sign of an odd power, NaN for a broken one, 1 for the power 0.
// CHECK-LABEL: func @powf(
// CHECK-SAME: %[[X:.*]]: f32, %[[E:.*]]: f32
// CHECK: %[[SIZE:.*]] = math.absf %[[X]] : f32
// CHECK: %[[LOG:.*]] = math.log2 %[[SIZE]] : f32
// CHECK: %[[POWER:.*]] = arith.mulf %[[E]], %[[LOG]] : f32
// CHECK: %[[POSITIVE:.*]] = math.exp2 %[[POWER]] : f32
// CHECK: arith.negf %[[POSITIVE]]
// CHECK: arith.cmpf olt, %[[X]]
// CHECK: arith.cmpf oeq, %[[E]]
func.func @powf(%x: f32, %e: f32) -> f32 {
  %y = math.powf %x, %e : f32
  return %y : f32
}

// CHECK-LABEL: func @cube(
// CHECK-SAME: %[[X:.*]]: f32
// CHECK-NOT: math
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]] : f32
// CHECK: %[[CUBE:.*]] = arith.mulf %[[X]], %[[SQUARE]] : f32
// CHECK: arith.divf %{{.*}}, %[[CUBE]] : f32
func.func @cube(%x: f32) -> f32 {
  %e = arith.constant -3.0 : f32
  %y = math.powf %x, %e : f32
  return %y : f32
}

// CHECK-LABEL: func @tanh(
// EXPANDED-NOT: math.tanh
// EXPANDED: math.exp2
// EXPANDED: arith.divf
// Near zero, where 1 - 2 / (...) cancels, a short polynomial.
// EXPANDED: math.absf
// EXPANDED: arith.select
// KEPT: math.tanh
func.func @tanh(%x: f32) -> f32 {
  %y = math.tanh %x : f32
  return %y : f32
}

// What every target has stays.
// CHECK-LABEL: func @exp2(
// CHECK-NEXT: math.exp2
// CHECK-NEXT: return
func.func @exp2(%x: f32) -> f32 {
  %y = math.exp2 %x : f32
  return %y : f32
}

// -----

// An approximate tanh is too coarse beside products of f32 at full precision.
// CHECK-LABEL: tile.kernel @ieee(
// CHECK-NOT: math.tanh
// CHECK: math.exp2
// CHECK: tile.return
tile.kernel @ieee(%o: !tile.global<16xf32, direct> {tile.arg = "o"}, %x: f32 {tile.arg = "scale"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %a = tile.alloc : !tile.shared<16x32xf32, swizzle 128>
  %y = math.tanh %x : f32
  %start = tile.fill %y : f32 -> !tile.frag<16x16xf32, acc>
  %sum = tile.mma %a, %a acc %start : !tile.frag<16x16xf32, acc> {transpose_rhs} : !tile.shared<16x32xf32, swizzle 128>, !tile.shared<16x32xf32, swizzle 128> -> !tile.pending<<16x16xf32, acc>>
  %all = tile.wait %sum : !tile.pending<<16x16xf32, acc>> -> !tile.frag<16x16xf32, acc>
  tile.store %all, %o[%c0, %c0, %c0] limit %n : !tile.frag<16x16xf32, acc>, !tile.global<16xf32, direct>
  tile.return
}

// -----

// Rounded to TF32 they are no finer than it.
// CHECK-LABEL: tile.kernel @tf32(
// EXPANDED-NOT: math.tanh
// EXPANDED: math.exp2
// KEPT: math.tanh
// CHECK: tile.return
tile.kernel @tf32(%o: !tile.global<16xf32, direct> {tile.arg = "o"}, %x: f32 {tile.arg = "scale"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %a = tile.alloc : !tile.shared<16x32xf32, swizzle 128>
  %y = math.tanh %x : f32
  %start = tile.fill %y : f32 -> !tile.frag<16x16xf32, acc>
  %sum = tile.mma %a, %a acc %start : !tile.frag<16x16xf32, acc> {tf32, transpose_rhs} : !tile.shared<16x32xf32, swizzle 128>, !tile.shared<16x32xf32, swizzle 128> -> !tile.pending<<16x16xf32, acc>>
  %all = tile.wait %sum : !tile.pending<<16x16xf32, acc>> -> !tile.frag<16x16xf32, acc>
  tile.store %all, %o[%c0, %c0, %c0] limit %n : !tile.frag<16x16xf32, acc>, !tile.global<16xf32, direct>
  tile.return
}
