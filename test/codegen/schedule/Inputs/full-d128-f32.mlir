!q = tensor<?x?x?x128xf32, #attn.layout<bshd>>
!v = tensor<?x?x?x128xf32, #attn.layout<bshd>>
func.func @attention(%q: !q {attn.arg = "q"}, %k: !q {attn.arg = "k"}, %v: !v {attn.arg = "v"},
                     %scale: f32 {attn.arg = "scale"}) -> !v {
  %o = attn.forward %q, %k, %v scale %scale : !q, !q, !v -> !v
  return %o : !v
}
