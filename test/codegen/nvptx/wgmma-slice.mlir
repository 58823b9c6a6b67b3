// A consumer's slice of the query tile keeps its parent's panels: the second panel of columns is the
// parent's rows away, not the slice's.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

// Column 64 starts the second panel: 128 rows of 128 bytes, 1024 units of 16 bytes.
// CHECK-LABEL: llvm.func @second_panel(
// CHECK-DAG: arith.constant 1024 : i64
// CHECK-DAG: arith.constant 2 : i64
// CHECK: wgmma.mma_async
tile.kernel @second_panel() attributes {units = 1 : i64, grid = ["1"]} {
  %c64 = arith.constant 64 : i32
  %all = tile.alloc : !tile.shared<128x128xf16, swizzle 128>
  %k = tile.alloc : !tile.shared<16x128xf16, swizzle 128>
  %q = tile.slice %all[%c64] : !tile.shared<128x128xf16, swizzle 128> to !tile.shared<64x128xf16, swizzle 128, panel 128>
  %0 = tile.mma %q, %k {transpose_rhs} : !tile.shared<64x128xf16, swizzle 128, panel 128>, !tile.shared<16x128xf16, swizzle 128> -> !tile.pending<<64x16xf32, acc>>
  %1 = tile.wait %0 : !tile.pending<<64x16xf32, acc>> -> !tile.frag<64x16xf32, acc>
  tile.return
}
