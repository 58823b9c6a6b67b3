// A product keeps a block of rows by a panel of two vectors in registers: 6 x 2 of 16 vector registers,
// 14 x 2 of 32. Rows split evenly: 13 rows are blocks of 5, 4 and 4, not 6, 6 and 1.
// RUN: attn-opt %s --tile-to-host="vector-bits=256" | FileCheck %s --check-prefix=YMM
// RUN: attn-opt %s --tile-to-host="vector-bits=512" | FileCheck %s --check-prefix=ZMM

// YMM-LABEL: llvm.func @rows12(
// YMM: scf.for {{.*}} iter_args({{([^,]*, ){11}[^,]*}}) -> (vector<8xf32>,
// YMM-COUNT-48: llvm.intr.fma({{.*}}vector<8xf32>
// YMM-NOT: llvm.intr.fma
// ZMM-LABEL: llvm.func @rows12(
// ZMM: scf.for {{.*}} iter_args({{([^,]*, ){23}[^,]*}}) -> (vector<16xf32>,
// ZMM-COUNT-96: llvm.intr.fma({{.*}}vector<16xf32>
// ZMM-NOT: llvm.intr.fma
// ZMM-LABEL: llvm.func @rows13(
tile.kernel @rows12(%q: !tile.global<64xf32, direct> {tile.arg = "q"},
                    %k: !tile.global<64xf32, direct> {tile.arg = "k"},
                    %o: !tile.global<32xf32, direct> {tile.arg = "o"},
                    %len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <32x64xf32, swizzle 0>, cooperative>
  %lhs = tile.load %q[%c0, %c0, %c0] limit %len : !tile.global<64xf32, direct> -> !tile.frag<12x64xf32, lhs>
  tile.copy %k[%c0, %c0, %c0] limit %len into %pipe[%c0] : !tile.global<64xf32, direct>, !tile.pipe<1 x <32x64xf32, swizzle 0>, cooperative>
  %rhs = tile.pipe.wait %pipe[%c0] : !tile.pipe<1 x <32x64xf32, swizzle 0>, cooperative> -> !tile.shared<32x64xf32, swizzle 0>
  %p = tile.mma %lhs, %rhs {transpose_rhs} : !tile.frag<12x64xf32, lhs>, !tile.shared<32x64xf32, swizzle 0> -> !tile.pending<<12x32xf32, acc>>
  %s = tile.wait %p : !tile.pending<<12x32xf32, acc>> -> !tile.frag<12x32xf32, acc>
  tile.store %s, %o[%c0, %c0, %c0] limit %len : !tile.frag<12x32xf32, acc>, !tile.global<32xf32, direct>
  tile.return
}

// YMM-LABEL: llvm.func @rows13(
// YMM: iter_args({{([^,]*, ){9}[^,]*}}) -> (vector<8xf32>,
// YMM: iter_args({{([^,]*, ){7}[^,]*}}) -> (vector<8xf32>,
// A panel of 8 columns is left over: one vector of each row.
// YMM: iter_args({{([^,]*, ){4}[^,]*}}) -> (vector<8xf32>,
// YMM: iter_args({{([^,]*, ){3}[^,]*}}) -> (vector<8xf32>,
// YMM-NOT: iter_args
tile.kernel @rows13(%q: !tile.global<64xf32, direct> {tile.arg = "q"},
                    %k: !tile.global<64xf32, direct> {tile.arg = "k"},
                    %o: !tile.global<24xf32, direct> {tile.arg = "o"},
                    %len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <24x64xf32, swizzle 0>, cooperative>
  %lhs = tile.load %q[%c0, %c0, %c0] limit %len : !tile.global<64xf32, direct> -> !tile.frag<13x64xf32, lhs>
  tile.copy %k[%c0, %c0, %c0] limit %len into %pipe[%c0] : !tile.global<64xf32, direct>, !tile.pipe<1 x <24x64xf32, swizzle 0>, cooperative>
  %rhs = tile.pipe.wait %pipe[%c0] : !tile.pipe<1 x <24x64xf32, swizzle 0>, cooperative> -> !tile.shared<24x64xf32, swizzle 0>
  %p = tile.mma %lhs, %rhs {transpose_rhs} : !tile.frag<13x64xf32, lhs>, !tile.shared<24x64xf32, swizzle 0> -> !tile.pending<<13x24xf32, acc>>
  %s = tile.wait %p : !tile.pending<<13x24xf32, acc>> -> !tile.frag<13x24xf32, acc>
  tile.store %s, %o[%c0, %c0, %c0] limit %len : !tile.frag<13x24xf32, acc>, !tile.global<24xf32, direct>
  tile.return
}
