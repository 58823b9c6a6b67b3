// Score: less 2^(-(head + 1) / 2) for each key of distance.
^bb0(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32):
  %one = arith.constant 1 : i32
  %half = arith.constant -5.0e-01 : f32
  %number = arith.addi %h, %one : i32
  %real = arith.sitofp %number : i32 to f32
  %power = arith.mulf %real, %half : f32
  %slope = math.exp2 %power : f32
  %distance = arith.subi %kv, %q : i32
  %away = arith.sitofp %distance : i32 to f32
  %bias = arith.mulf %slope, %away : f32
  %score = arith.addf %s, %bias : f32
  attn.yield %score : f32
