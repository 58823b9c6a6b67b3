// A target that pads unswizzled rows against bank conflicts takes the padding into account.
// RUN: attn-opt %s --tile-assign-shared=target=gfx942 | FileCheck %s --check-prefix=PADDED
// RUN: attn-opt %s --tile-assign-shared=target=cpu | FileCheck %s --check-prefix=PLAIN

// 32 rows of 128 bytes and 16 of padding.
// PADDED: tile.shared_bytes = 4608 : i64
// PLAIN: tile.shared_bytes = 4096 : i64
tile.kernel @rows() attributes {units = 1 : i64, grid = ["1"]} {
  %a = tile.pipe.create consumers 1 : !tile.pipe<1 x <32x64xf16, swizzle 0>, cooperative>
  tile.return
}
