^bb0(%n: i32, %g: i32, %row: i32, %col: i32):
  %c = arith.cmpi sle, %col, %row : i32
  attn.yield %c : i1
