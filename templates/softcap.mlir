// Score: 50 tanh(score / 50).
^bb0(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32):
  %cap = arith.constant 5.0e+01 : f32
  %share = arith.divf %s, %cap : f32
  %bent = math.tanh %share : f32
  %score = arith.mulf %bent, %cap : f32
  attn.yield %score : f32
