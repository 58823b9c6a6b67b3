// exp2 and log2 of floats given by their bits: element (row, col) of `o` and `v` is that of the float
// whose bits are first + (128 row + col) * step.
module {
  tile.kernel @attn_fwd(%exp2: !tile.global<128xf32, direct> {tile.arg = "o"},
                        %log2: !tile.global<128xf32, direct> {tile.arg = "v"},
                        %q_len: i32 {tile.arg = "q_len"}, %first: i32 {tile.arg = "first"},
                        %step: i32 {tile.arg = "step"})
      attributes {units = 1 : i64, grid = ["ceil_div(q_len, 64)"]} {
    %c0 = arith.constant 0 : i32
    %c64 = arith.constant 64 : i32
    %c128 = arith.constant 128 : i32
    %tile = tile.program_id 0
    %from = arith.muli %tile, %c64 : i32
    %row = tile.coord %from dim 0 : !tile.frag<64x128xi32, acc>
    %col = tile.coord %c0 dim 1 : !tile.frag<64x128xi32, acc>
    %x = tile.map %row, %col : (!tile.frag<64x128xi32, acc>, !tile.frag<64x128xi32, acc>) -> !tile.frag<64x128xf32, acc> {
    ^bb0(%r: i32, %c: i32):
      %start = arith.muli %r, %c128 : i32
      %index = arith.addi %start, %c : i32
      %scaled = arith.muli %index, %step : i32
      %bits = arith.addi %scaled, %first : i32
      %float = arith.bitcast %bits : i32 to f32
      tile.yield %float : f32
    }
    %p = tile.map %x : (!tile.frag<64x128xf32, acc>) -> !tile.frag<64x128xf32, acc> {
    ^bb0(%a: f32):
      %y = math.exp2 %a : f32
      tile.yield %y : f32
    }
    %l = tile.map %x : (!tile.frag<64x128xf32, acc>) -> !tile.frag<64x128xf32, acc> {
    ^bb0(%a: f32):
      %y = math.log2 %a : f32
      tile.yield %y : f32
    }
    tile.store %p, %exp2[%c0, %c0, %from] limit %q_len : !tile.frag<64x128xf32, acc>, !tile.global<128xf32, direct>
    tile.store %l, %log2[%c0, %c0, %from] limit %q_len : !tile.frag<64x128xf32, acc>, !tile.global<128xf32, direct>
    tile.return
  }
}
