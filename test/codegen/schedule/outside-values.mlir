// A region may use what stands outside of it: constants, which canonicalisation puts there, captured
// scalars and arithmetic on them. All of it moves into the kernel.
// RUN: attn-opt %s --canonicalize --attn-to-tile="target=gfx942" | FileCheck %s
// RUN: attn-opt %s --attn-to-tile="target=sm_90a" --canonicalize | FileCheck %s

!q = tensor<?x?x?x64xf16, #attn.layout<bshd>>
// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-SAME: %[[WINDOW:arg[0-9]+]]: i32 {tile.arg = "window"}
// CHECK-DAG: %[[CAP:.*]] = arith.constant 5.000000e+00 : f32
// CHECK-DAG: %[[HALF:.*]] = arith.divsi %[[WINDOW]],
// CHECK: arith.mulf %{{.*}}, %[[CAP]] : f32
// CHECK-NOT: func.func
func.func @attention(%q: !q {attn.arg = "q"}, %k: !q {attn.arg = "k"}, %v: !q {attn.arg = "v"},
                     %scale: f32 {attn.arg = "scale"}, %window: i32 {attn.arg = "window"}) -> !q {
  %two = arith.constant 2 : i32
  %half = arith.divsi %window, %two : i32
  %o = attn.forward %q, %k, %v scale %scale score {
  ^bb0(%s: f32, %b: i32, %h: i32, %i: i32, %j: i32):
    %cap = arith.constant 5.0 : f32
    %x = arith.divf %s, %cap : f32
    %t = math.tanh %x : f32
    %z = arith.mulf %t, %cap : f32
    attn.yield %z : f32
  } mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %low = arith.subi %i, %half : i32
    %seen = arith.cmpi sge, %j, %low : i32
    attn.yield %seen : i1
  } : !q, !q, !q -> !q
  return %o : !q
}
