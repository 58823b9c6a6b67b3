// Mask: causal, and only the last 128 keys.
^bb0(%b: i32, %h: i32, %q: i32, %kv: i32):
  %width = arith.constant 128 : i32
  %end = arith.addi %kv, %width : i32
  %past = arith.cmpi sge, %q, %kv : i32
  %near = arith.cmpi slt, %q, %end : i32
  %seen = arith.andi %past, %near : i1
  attn.yield %seen : i1
