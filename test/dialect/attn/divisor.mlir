// A divisor that may be 0, or -1 under a sign, traps on processors: regions divide by constants.
// RUN: attn-opt %s --split-input-file --verify-diagnostics -o /dev/null

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>

func.func @by_constant(%q: !t, %k: !t, %v: !t, %s: f32) {
  %o = attn.forward %q, %k, %v scale %s mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %c3 = arith.constant -3 : i32
    %r = arith.remsi %i, %c3 : i32
    %c = arith.ceildivui %j, %c3 : i32
    %seen = arith.cmpi eq, %r, %c : i32
    attn.yield %seen : i1
  } : !t, !t, !t -> !t
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>

func.func @by_head(%q: !t, %k: !t, %v: !t, %s: f32) {
  %o = attn.forward %q, %k, %v scale %s mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    // expected-error @below {{'arith.floordivsi' op divisor: no constant given, allowed: a constant other than 0 and -1}}
    %r = arith.floordivsi %i, %h : i32
    %seen = arith.cmpi eq, %r, %j : i32
    attn.yield %seen : i1
  } : !t, !t, !t -> !t
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>

func.func @by_minus_one(%q: !t, %k: !t, %v: !t, %s: f32) {
  %o = attn.forward %q, %k, %v scale %s score {
  ^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32):
    %c = arith.constant -1 : i32
    // expected-error @below {{'arith.divsi' op divisor: -1 given, allowed: a constant other than 0 and -1}}
    %r = arith.divsi %i, %c : i32
    %y = arith.sitofp %r : i32 to f32
    attn.yield %y : f32
  } : !t, !t, !t -> !t
  return
}
