!q = tensor<?x?x?x64xf16, #attn.layout<bshd>>
!v = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @attention(%q: !q {attn.arg = "q"}, %k: !q {attn.arg = "k"}, %v: !v {attn.arg = "v"},
                     %scale: f32 {attn.arg = "scale"}, %window: i32 {attn.arg = "window"}) -> !v {
  %o = attn.forward %q, %k, %v scale %scale mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %low = arith.subi %i, %window : i32
    %after = arith.cmpi sge, %j, %low : i32
    %causal = arith.cmpi sge, %i, %j : i32
    %seen = arith.andi %after, %causal : i1
    attn.yield %seen : i1
  } : !q, !q, !v -> !v
  return %o : !v
}
