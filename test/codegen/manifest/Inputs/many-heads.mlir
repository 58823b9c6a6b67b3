!p = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
tile.kernel @a(%k: !tile.global<64xf16, bulk> {tile.arg = "k"}, %i: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %p = tile.pipe.create consumers 1 : !p
  tile.specialize
    role producer(%unit) units 1 single_thread {
      tile.copy %k[%i, %i, %i] limit %i into %p[%i] {heads = 4 : i64} : !tile.global<64xf16, bulk>, !p
    }
  tile.return
}
