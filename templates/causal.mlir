// Mask: a query sees no later key.
^bb0(%b: i32, %h: i32, %q: i32, %kv: i32):
  %seen = arith.cmpi sge, %q, %kv : i32
  attn.yield %seen : i1
