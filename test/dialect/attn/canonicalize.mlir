// Regions that say nothing go, and one mask has one spelling: its kernel is the same.
// RUN: attn-opt %s --canonicalize | FileCheck %s

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>

// CHECK-LABEL: func @trivial_score(
// CHECK-NOT: score {
// CHECK: return
func.func @trivial_score(%q: !t, %k: !t, %v: !t, %s: f32) -> !t {
  %o = attn.forward %q, %k, %v scale %s score {
  ^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32):
    attn.yield %x : f32
  } : !t, !t, !t -> !t
  return %o : !t
}

// A score that folds to itself goes too.
// CHECK-LABEL: func @folded_score(
// CHECK-NOT: score {
// CHECK: return
func.func @folded_score(%q: !t, %k: !t, %v: !t, %s: f32) -> !t {
  %one = arith.constant 1.0 : f32
  %o = attn.forward %q, %k, %v scale %s score {
  ^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32):
    %y = arith.mulf %x, %one : f32
    attn.yield %y : f32
  } : !t, !t, !t -> !t
  return %o : !t
}

// CHECK-LABEL: func @kept_score(
// CHECK: score {
// CHECK: arith.negf
func.func @kept_score(%q: !t, %k: !t, %v: !t, %s: f32) -> !t {
  %o = attn.forward %q, %k, %v scale %s score {
  ^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32):
    %y = arith.negf %x : f32
    attn.yield %y : f32
  } : !t, !t, !t -> !t
  return %o : !t
}

// CHECK-LABEL: func @true_mask(
// CHECK-NOT: mask {
// CHECK: return
func.func @true_mask(%q: !t, %k: !t, %v: !t, %s: f32) -> !t {
  %true = arith.constant true
  %o = attn.forward %q, %k, %v scale %s mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    attn.yield %true : i1
  } : !t, !t, !t -> !t
  return %o : !t
}

// A mask that is always false is no full mask.
// CHECK-LABEL: func @false_mask(
// CHECK: mask {
func.func @false_mask(%q: !t, %k: !t, %v: !t, %s: f32) -> !t {
  %false = arith.constant false
  %o = attn.forward %q, %k, %v scale %s mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    attn.yield %false : i1
  } : !t, !t, !t -> !t
  return %o : !t
}

// kv <= q, kv < q, kv >= q, kv > q: q comes first.
// CHECK-LABEL: func @sle(
// CHECK: ^bb0(%{{.*}}: i32, %{{.*}}: i32, %[[Q:.*]]: i32, %[[KV:.*]]: i32):
// CHECK-NEXT: arith.cmpi sge, %[[Q]], %[[KV]]
func.func @sle(%q: !t, %k: !t, %v: !t, %s: f32) -> !t {
  %o = attn.forward %q, %k, %v scale %s mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %c = arith.cmpi sle, %j, %i : i32
    attn.yield %c : i1
  } : !t, !t, !t -> !t
  return %o : !t
}

// CHECK-LABEL: func @slt(
// CHECK: ^bb0(%{{.*}}: i32, %{{.*}}: i32, %[[Q:.*]]: i32, %[[KV:.*]]: i32):
// CHECK-NEXT: arith.cmpi sgt, %[[Q]], %[[KV]]
func.func @slt(%q: !t, %k: !t, %v: !t, %s: f32) -> !t {
  %o = attn.forward %q, %k, %v scale %s mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %c = arith.cmpi slt, %j, %i : i32
    attn.yield %c : i1
  } : !t, !t, !t -> !t
  return %o : !t
}

// CHECK-LABEL: func @sge(
// CHECK: ^bb0(%{{.*}}: i32, %{{.*}}: i32, %[[Q:.*]]: i32, %[[KV:.*]]: i32):
// CHECK-NEXT: arith.cmpi sle, %[[Q]], %[[KV]]
func.func @sge(%q: !t, %k: !t, %v: !t, %s: f32) -> !t {
  %o = attn.forward %q, %k, %v scale %s mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %c = arith.cmpi sge, %j, %i : i32
    attn.yield %c : i1
  } : !t, !t, !t -> !t
  return %o : !t
}

// CHECK-LABEL: func @sgt(
// CHECK: ^bb0(%{{.*}}: i32, %{{.*}}: i32, %[[Q:.*]]: i32, %[[KV:.*]]: i32):
// CHECK-NEXT: arith.cmpi slt, %[[Q]], %[[KV]]
func.func @sgt(%q: !t, %k: !t, %v: !t, %s: f32) -> !t {
  %o = attn.forward %q, %k, %v scale %s mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %c = arith.cmpi sgt, %j, %i : i32
    attn.yield %c : i1
  } : !t, !t, !t -> !t
  return %o : !t
}
