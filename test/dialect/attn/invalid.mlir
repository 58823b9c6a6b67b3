// Every way in which an attn.forward can be wrong is refused with its reason.
// RUN: attn-opt %s --split-input-file --verify-diagnostics -o /dev/null

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @rank(%q: tensor<?x?x64xf16, #attn.layout<bshd>>, %k: !t, %v: !t, %s: f32) {
  // expected-error @below {{'attn.forward' op query is a rank-4 tensor with an #attn.layout, not 'tensor<?x?x64xf16, #attn.layout<bshd>>'}}
  %o = attn.forward %q, %k, %v scale %s : tensor<?x?x64xf16, #attn.layout<bshd>>, !t, !t -> !t
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @no_layout(%q: !t, %k: tensor<?x?x?x64xf16>, %v: !t, %s: f32) {
  // expected-error @below {{key is a rank-4 tensor with an #attn.layout, not 'tensor<?x?x?x64xf16>'}}
  %o = attn.forward %q, %k, %v scale %s : !t, tensor<?x?x?x64xf16>, !t -> !t
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
!dynamic = tensor<?x?x?x?xf16, #attn.layout<bshd>>
func.func @dynamic_dim(%q: !t, %k: !t, %v: !dynamic, %s: f32) {
  // expected-error @below {{value needs a static head dim}}
  %o = attn.forward %q, %k, %v scale %s : !t, !t, !dynamic -> !t
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
!wrong = tensor<?x?x?x64xf64, #attn.layout<bshd>>
func.func @element(%q: !t, %k: !t, %v: !t, %s: f32) {
  // expected-error @below {{result cannot have elements of 'f64'}}
  %o = attn.forward %q, %k, %v scale %s : !t, !t, !t -> !wrong
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
!short = tensor<?x?x?x32xf16, #attn.layout<bshd>>
func.func @head_dim(%q: !t, %k: !short, %v: !t, %s: f32) {
  // expected-error @below {{query has head dim 64, key has 32}}
  %o = attn.forward %q, %k, %v scale %s : !t, !short, !t -> !t
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
!short = tensor<?x?x?x32xf16, #attn.layout<bshd>>
func.func @value_dim(%q: !t, %k: !t, %v: !short, %s: f32) {
  // expected-error @below {{value has head dim 32, the result has 64}}
  %o = attn.forward %q, %k, %v scale %s : !t, !t, !short -> !t
  return
}

// -----

!q = tensor<1x?x8x64xf16, #attn.layout<bshd>>
!k = tensor<1x?x3x64xf16, #attn.layout<bshd>>
func.func @heads(%q: !q, %k: !k, %s: f32) {
  // expected-error @below {{query has 8 heads, not a multiple of the key's 3}}
  %o = attn.forward %q, %k, %k scale %s : !q, !k, !k -> !q
  return
}

// -----

!q = tensor<1x8x?x64xf16, #attn.layout<bhsd>>
!k = tensor<1x0x?x64xf16, #attn.layout<bhsd>>
func.func @no_heads(%q: !q, %k: !k, %s: f32) {
  // expected-error @below {{query has 8 heads, not a multiple of the key's 0}}
  %o = attn.forward %q, %k, %k scale %s : !q, !k, !k -> !q
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @lse(%q: !t, %k: !t, %v: !t, %s: f32) {
  // expected-error @below {{lse is a rank-3 f32 tensor, not 'tensor<?x?x?xf16>'}}
  %o, %l = attn.forward %q, %k, %v scale %s : !t, !t, !t -> !t, tensor<?x?x?xf16>
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
!bhsd = tensor<?x?x?x64xf16, #attn.layout<bhsd>>
func.func @layouts(%q: !t, %k: !bhsd, %v: !t, %s: f32) {
  // expected-error @below {{key is #attn.layout<bhsd>, query is #attn.layout<bshd>}}
  %o = attn.forward %q, %k, %v scale %s : !t, !bhsd, !t -> !t
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
!bf16 = tensor<?x?x?x64xbf16, #attn.layout<bshd>>
func.func @elements_differ(%q: !t, %k: !t, %v: !bf16, %s: f32) {
  // expected-error @below {{value has elements of 'bf16', query of 'f16'}}
  %o = attn.forward %q, %k, %v scale %s : !t, !t, !bf16 -> !t
  return
}

// -----

!q = tensor<1x?x8x64xf16, #attn.layout<bshd>>
!k = tensor<1x?x4x64xf16, #attn.layout<bshd>>
!v = tensor<1x?x2x64xf16, #attn.layout<bshd>>
func.func @value_heads(%q: !q, %k: !k, %v: !v, %s: f32) {
  // expected-error @below {{key has 4 heads, value has 2}}
  %o = attn.forward %q, %k, %v scale %s : !q, !k, !v -> !q
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @score_arguments(%q: !t, %k: !t, %v: !t, %s: f32) {
  // expected-error @below {{score region takes ('f32', 'i32', 'i32', 'i32', 'i32'), not ('f32')}}
  %o = attn.forward %q, %k, %v scale %s score {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } : !t, !t, !t -> !t
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @mask_arguments(%q: !t, %k: !t, %v: !t, %s: f32) {
  // expected-error @below {{mask region takes ('i32', 'i32', 'i32', 'i32'), not ('i32', 'i32', 'i32', 'i64')}}
  %o = attn.forward %q, %k, %v scale %s mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i64):
    %c = arith.constant true
    attn.yield %c : i1
  } : !t, !t, !t -> !t
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func private @elsewhere(f32) -> f32
func.func @not_elementwise(%q: !t, %k: !t, %v: !t, %s: f32) {
  %o = attn.forward %q, %k, %v scale %s score {
  ^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32):
    // expected-error @below {{'func.call' op is not elementwise, so it cannot stand in the score region}}
    %y = func.call @elsewhere(%x) : (f32) -> f32
    attn.yield %y : f32
  } : !t, !t, !t -> !t
  return
}

// -----

// A back end that cannot select an op ends the process: only what every target has may stand here.
!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @score_op(%q: !t, %k: !t, %v: !t, %s: f32) {
  %o = attn.forward %q, %k, %v scale %s score {
  ^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32):
    // expected-error @below {{'math.sin' op cannot stand in the score region, allowed of math: absf, absi, ceil,}}
    %y = math.sin %x : f32
    attn.yield %y : f32
  } : !t, !t, !t -> !t
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @mask_op(%q: !t, %k: !t, %v: !t, %s: f32) {
  %o = attn.forward %q, %k, %v scale %s mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    // expected-error @below {{'arith.mulsi_extended' op cannot stand in the mask region, allowed of arith: addf, addi,}}
    %low, %high = arith.mulsi_extended %i, %j : i32
    %c = arith.cmpi sge, %low, %high : i32
    attn.yield %c : i1
  } : !t, !t, !t -> !t
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @score_type(%q: !t, %k: !t, %v: !t, %s: f32) {
  %o = attn.forward %q, %k, %v scale %s score {
  ^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32):
    // expected-error @below {{'arith.sitofp' op is of 'f16' in the score region, allowed: f32, i32, i1}}
    %y = arith.sitofp %j : i32 to f16
    attn.yield %x : f32
  } : !t, !t, !t -> !t
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @mask_yield(%q: !t, %k: !t, %v: !t, %s: f32) {
  // expected-error @below {{mask region must yield a 'i1'}}
  %o = attn.forward %q, %k, %v scale %s mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    attn.yield %i : i32
  } : !t, !t, !t -> !t
  return
}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @score_yield(%q: !t, %k: !t, %v: !t, %s: f32) {
  // expected-error @below {{score region must yield a 'f32'}}
  %o = attn.forward %q, %k, %v scale %s score {
  ^bb0(%x: f32, %b: i32, %h: i32, %i: i32, %j: i32):
    attn.yield %i : i32
  } : !t, !t, !t -> !t
  return
}

// -----

func.func @yield_parent(%x: f32) {
  // expected-error @below {{'attn.yield' op expects parent op 'attn.forward'}}
  attn.yield %x : f32
}

// -----

// expected-error @below {{expected ::attn_jit::attn::Layout to be one of: bshd, bhsd}}
// expected-error @below {{failed to parse Attn_LayoutAttr parameter 'value'}}
func.func private @layout_word(tensor<?x?x?x64xf16, #attn.layout<sbhd>>)

// -----

// expected-error @below {{expected ::attn_jit::attn::Align to be one of: bottom_right, top_left}}
// expected-error @below {{failed to parse Attn_AlignAttr parameter 'value'}}
func.func private @align_word() attributes {x = #attn<align centre>}

// -----

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @precision(%q: !t, %k: !t, %v: !t, %s: f32) {
  // expected-error @below {{precision is tf32 with elements of 'f16', which have ieee alone}}
  %o = attn.forward %q, %k, %v scale %s {precision = #attn<precision tf32>} : !t, !t, !t -> !t
  return
}
