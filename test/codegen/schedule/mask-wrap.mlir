// A bound is solved for the key only where 32 bits hold both sides of the inequality and the solution.
// RUN: attn-opt %s -split-input-file --attn-to-tile="target=gfx942" --canonicalize --cse | FileCheck %s

!q = tensor<?x?x?x64xf16, #attn.layout<bshd>>

// Distance below "no limit": the captured limit is added in 64 bits and clamped past every key.
// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-SAME: %[[REACH:arg[0-9]+]]: i32 {tile.arg = "reach"}
// CHECK-DAG: %[[MOST:.*]] = arith.constant 1073741824 : i64
// CHECK-DAG: %[[LEAST:.*]] = arith.constant -1073741824 : i64
// CHECK: %[[WIDE:.*]] = arith.extsi %[[REACH]] : i32 to i64
// CHECK: arith.maxsi %{{.*}}, %[[LEAST]] : i64
// CHECK: arith.minsi %{{.*}}, %[[MOST]] : i64
// CHECK: tile.map {{.*}} {no_wrap}
func.func @near(%query: !q {attn.arg = "q"}, %key: !q {attn.arg = "k"}, %value: !q {attn.arg = "v"},
                %scale: f32 {attn.arg = "scale"}, %reach: i32 {attn.arg = "reach"}) -> !q {
  %out = attn.forward %query, %key, %value scale %scale mask {
  ^bb0(%b: i32, %h: i32, %q: i32, %kv: i32):
    %ahead = arith.subi %kv, %q : i32
    %seen = arith.cmpi slt, %ahead, %reach : i32
    attn.yield %seen : i1
  } {align = #attn<align bottom_right>} : !q, !q, !q -> !q
  return %out : !q
}

// -----

!q = tensor<?x?x?x64xf16, #attn.layout<bshd>>

// q times 2^32 is 0 in 32 bits, no slope: the expression stays, and its base is not moved.
// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK: arith.muli
// CHECK: arith.muli
// CHECK-NOT: no_wrap
func.func @steep(%query: !q {attn.arg = "q"}, %key: !q {attn.arg = "k"}, %value: !q {attn.arg = "v"},
                 %scale: f32 {attn.arg = "scale"}) -> !q {
  %out = attn.forward %query, %key, %value scale %scale mask {
  ^bb0(%b: i32, %h: i32, %q: i32, %kv: i32):
    %half = arith.constant 65536 : i32
    %once = arith.muli %q, %half : i32
    %twice = arith.muli %once, %half : i32
    %seen = arith.cmpi sle, %twice, %kv : i32
    attn.yield %seen : i1
  } {align = #attn<align bottom_right>} : !q, !q, !q -> !q
  return %out : !q
}

// -----

!q = tensor<?x?x?x64xf16, #attn.layout<bshd>>

// A value that is used twice at each of 40 levels is read 40 times.
// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-COUNT-40: arith.addi
func.func @chain(%query: !q {attn.arg = "q"}, %key: !q {attn.arg = "k"}, %value: !q {attn.arg = "v"},
                 %scale: f32 {attn.arg = "scale"}) -> !q {
  %out = attn.forward %query, %key, %value scale %scale mask {
  ^bb0(%b: i32, %h: i32, %q: i32, %kv: i32):
    %d1 = arith.addi %q, %q : i32
    %d2 = arith.addi %d1, %d1 : i32
    %d3 = arith.addi %d2, %d2 : i32
    %d4 = arith.addi %d3, %d3 : i32
    %d5 = arith.addi %d4, %d4 : i32
    %d6 = arith.addi %d5, %d5 : i32
    %d7 = arith.addi %d6, %d6 : i32
    %d8 = arith.addi %d7, %d7 : i32
    %d9 = arith.addi %d8, %d8 : i32
    %d10 = arith.addi %d9, %d9 : i32
    %d11 = arith.addi %d10, %d10 : i32
    %d12 = arith.addi %d11, %d11 : i32
    %d13 = arith.addi %d12, %d12 : i32
    %d14 = arith.addi %d13, %d13 : i32
    %d15 = arith.addi %d14, %d14 : i32
    %d16 = arith.addi %d15, %d15 : i32
    %d17 = arith.addi %d16, %d16 : i32
    %d18 = arith.addi %d17, %d17 : i32
    %d19 = arith.addi %d18, %d18 : i32
    %d20 = arith.addi %d19, %d19 : i32
    %d21 = arith.addi %d20, %d20 : i32
    %d22 = arith.addi %d21, %d21 : i32
    %d23 = arith.addi %d22, %d22 : i32
    %d24 = arith.addi %d23, %d23 : i32
    %d25 = arith.addi %d24, %d24 : i32
    %d26 = arith.addi %d25, %d25 : i32
    %d27 = arith.addi %d26, %d26 : i32
    %d28 = arith.addi %d27, %d27 : i32
    %d29 = arith.addi %d28, %d28 : i32
    %d30 = arith.addi %d29, %d29 : i32
    %d31 = arith.addi %d30, %d30 : i32
    %d32 = arith.addi %d31, %d31 : i32
    %d33 = arith.addi %d32, %d32 : i32
    %d34 = arith.addi %d33, %d33 : i32
    %d35 = arith.addi %d34, %d34 : i32
    %d36 = arith.addi %d35, %d35 : i32
    %d37 = arith.addi %d36, %d36 : i32
    %d38 = arith.addi %d37, %d37 : i32
    %d39 = arith.addi %d38, %d38 : i32
    %d40 = arith.addi %d39, %d39 : i32
    %seen = arith.cmpi sge, %d40, %kv : i32
    attn.yield %seen : i1
  } {align = #attn<align bottom_right>} : !q, !q, !q -> !q
  return %out : !q
}

// -----

!q = tensor<?x?x?x64xf16, #attn.layout<bshd>>

// The slope is the least 64-bit number, which has no absolute value: no slope at all.
// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK: tile.map
// CHECK-NOT: no_wrap
func.func @least(%query: !q {attn.arg = "q"}, %key: !q {attn.arg = "k"}, %value: !q {attn.arg = "v"},
                 %scale: f32 {attn.arg = "scale"}) -> !q {
  %out = attn.forward %query, %key, %value scale %scale mask {
  ^bb0(%b: i32, %h: i32, %q: i32, %kv: i32):
    %most = arith.constant -2147483648 : i32
    %two = arith.constant 2 : i32
    %once = arith.muli %q, %most : i32
    %twice = arith.muli %once, %most : i32
    %least = arith.muli %twice, %two : i32
    %below = arith.subi %kv, %least : i32
    %seen = arith.cmpi sle, %below, %kv : i32
    attn.yield %seen : i1
  } {align = #attn<align bottom_right>} : !q, !q, !q -> !q
  return %out : !q
}
