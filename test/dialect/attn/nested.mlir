// A description is a function whose own op is the attn.forward.
// RUN: not attn-opt %s --attn-to-tile 2>&1 | FileCheck %s
// CHECK: error: description: attn.forward must stand in a func.func

!t = tensor<?x?x?x64xf16, #attn.layout<bshd>>
func.func @attention(%q: !t {attn.arg = "q"}, %k: !t {attn.arg = "k"}, %v: !t {attn.arg = "v"},
                     %scale: f32 {attn.arg = "scale"}, %yes: i1) -> !t {
  %r = scf.if %yes -> !t {
    %o = attn.forward %q, %k, %v scale %scale : !t, !t, !t -> !t
    scf.yield %o : !t
  } else {
    scf.yield %q : !t
  }
  return %r : !t
}
