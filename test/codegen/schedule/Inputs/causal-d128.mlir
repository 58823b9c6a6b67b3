!q = tensor<?x?x?x128xf16, #attn.layout<bshd>>
!v = tensor<?x?x?x128xf16, #attn.layout<bshd>>
func.func @attention(%q: !q {attn.arg = "q"}, %k: !q {attn.arg = "k"}, %v: !v {attn.arg = "v"},
                     %scale: f32 {attn.arg = "scale"}) -> !v {
  %o = attn.forward %q, %k, %v scale %scale mask {
  ^bb0(%b: i32, %h: i32, %i: i32, %j: i32):
    %seen = arith.cmpi sge, %i, %j : i32
    attn.yield %seen : i1
  } : !q, !q, !v -> !v
  return %o : !v
}
