// Shared tiles get places one after another, aligned to the period of the widest swizzle; barriers of
// bulk pipes come after all tiles; the kernel says how much it takes.
// RUN: attn-opt %s --tile-assign-shared=target=sm_90a | FileCheck %s

// CHECK-LABEL: tile.kernel @places(
// CHECK-SAME: tile.shared_bytes = 26880 : i64
tile.kernel @places() attributes {units = 1 : i64, grid = ["1"]} {
  // The pipes' tiles follow all single tiles.
  // CHECK: tile.pipe.create consumers 1 {barrier_offset = 26624 : i64, offset = 2048 : i64} : <3 x <32x64xf16, swizzle 128>, bulk>
  %a = tile.pipe.create consumers 1 : !tile.pipe<3 x <32x64xf16, swizzle 128>, bulk>
  // 8 rows of 32 bytes.
  // CHECK: tile.alloc {offset = 0 : i64}
  %b = tile.alloc : !tile.shared<8x16xf16, swizzle 32>
  // CHECK: tile.alloc {offset = 1024 : i64}
  %c = tile.alloc : !tile.shared<8x16xf16, swizzle 32>
  // A cooperative pipe has no barriers of its own.
  // CHECK: tile.pipe.create consumers 1 {offset = 14336 : i64} : <1 x <64x64xf16, swizzle 0>, cooperative>
  %d = tile.pipe.create consumers 1 : !tile.pipe<1 x <64x64xf16, swizzle 0>, cooperative>
  // Mail comes last: four stages of 32 bytes, and their barriers.
  // CHECK: tile.mail.create consumers 1 {offset = 26688 : i64}
  %m = tile.mail.create consumers 1 : !tile.mail<4 x 7>
  // CHECK: tile.pipe.create consumers 1 {barrier_offset = 26672 : i64, offset = 22528 : i64}
  %e = tile.pipe.create consumers 1 : !tile.pipe<1 x <32x64xf16, swizzle 128>, bulk>
  tile.return
}

// CHECK-LABEL: tile.kernel @nothing(
// CHECK-SAME: tile.shared_bytes = 0 : i64
tile.kernel @nothing() attributes {units = 1 : i64, grid = ["1"]} {
  tile.return
}
