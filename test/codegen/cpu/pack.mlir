// A tile that a product reads transposed is transposed as it is packed, in squares of 8 x 8; one that is
// read as it is moves row by row. What 16-bit tensors hold widens on the way.
// RUN: attn-opt %s --tile-to-host | FileCheck %s

// CHECK-LABEL: llvm.func @transposed(
// CHECK: scf.for
// CHECK: scf.for
// CHECK-COUNT-8: llvm.load {{.*}} -> vector<8xf32>
// CHECK-COUNT-24: llvm.shufflevector
// CHECK-COUNT-8: llvm.store {{.*}} : vector<8xf32>
// A row past the limit is not read.
// CHECK: scf.if
// CHECK: llvm.load {{.*}} -> f32
// CHECK: else
// CHECK-NOT: llvm.load
// CHECK: llvm.store
tile.kernel @transposed(%k: !tile.global<64xf32, direct> {tile.arg = "k"}, %o: !tile.global<16xf32, direct> {tile.arg = "o"},
                        %len: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %one = arith.constant 1.0 : f32
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <16x64xf32, swizzle 0>, cooperative>
  %lhs = tile.fill %one : f32 -> !tile.frag<8x64xf32, lhs>
  tile.copy %k[%c0, %c0, %c0] limit %len into %pipe[%c0] : !tile.global<64xf32, direct>, !tile.pipe<1 x <16x64xf32, swizzle 0>, cooperative>
  %rhs = tile.pipe.wait %pipe[%c0] : !tile.pipe<1 x <16x64xf32, swizzle 0>, cooperative> -> !tile.shared<16x64xf32, swizzle 0>
  %p = tile.mma %lhs, %rhs {transpose_rhs} : !tile.frag<8x64xf32, lhs>, !tile.shared<16x64xf32, swizzle 0> -> !tile.pending<<8x16xf32, acc>>
  %s = tile.wait %p : !tile.pending<<8x16xf32, acc>> -> !tile.frag<8x16xf32, acc>
  tile.store %s, %o[%c0, %c0, %c0] limit %len : !tile.frag<8x16xf32, acc>, !tile.global<16xf32, direct>
  tile.return
}

// CHECK-LABEL: llvm.func @plain(
// CHECK: scf.for
// CHECK: llvm.load {{.*}} -> vector<8xf16>
// CHECK-NEXT: arith.extf {{.*}} : vector<8xf16> to vector<8xf32>
// CHECK: llvm.store
// CHECK: scf.for
// CHECK-NOT: llvm.load
// CHECK: llvm.store {{.*}} : vector<8xf32>
// CHECK: iter_args
tile.kernel @plain(%v: !tile.global<16xf16, direct> {tile.arg = "v"}, %o: !tile.global<16xf32, direct> {tile.arg = "o"},
                   %len: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %one = arith.constant 1.0 : f32
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <32x16xf32, swizzle 0>, cooperative>
  %lhs = tile.fill %one : f32 -> !tile.frag<8x32xf32, lhs>
  tile.copy %v[%c0, %c0, %c0] limit %len into %pipe[%c0] : !tile.global<16xf16, direct>, !tile.pipe<1 x <32x16xf32, swizzle 0>, cooperative>
  %rhs = tile.pipe.wait %pipe[%c0] : !tile.pipe<1 x <32x16xf32, swizzle 0>, cooperative> -> !tile.shared<32x16xf32, swizzle 0>
  %p = tile.mma %lhs, %rhs : !tile.frag<8x32xf32, lhs>, !tile.shared<32x16xf32, swizzle 0> -> !tile.pending<<8x16xf32, acc>>
  %s = tile.wait %p : !tile.pending<<8x16xf32, acc>> -> !tile.frag<8x16xf32, acc>
  tile.store %s, %o[%c0, %c0, %c0] limit %len : !tile.frag<8x16xf32, acc>, !tile.global<16xf32, direct>
  tile.return
}
