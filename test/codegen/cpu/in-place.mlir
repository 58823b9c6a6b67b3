// The matrices of a whole forward live in five buffers, each a tile of 128 x 128: query, output, scores
// with the probabilities over them, and the packed keys and values. Nothing else is of that size, so
// the loop over keys copies no fragment; maxima and sums stay where they are, too.
// RUN: attn-opt %S/../schedule/Inputs/causal-d128.mlir --attn-to-tile="target=cpu schedule=flash_fwd_sync.v1<bm=128,bn=128>" --canonicalize --cse --tile-to-host --cse | FileCheck %s --check-prefix=FORWARD
// FORWARD-COUNT-4: llvm.alloca %c128_i64
// FORWARD-COUNT-2: llvm.alloca %c16384_i64
// FORWARD-COUNT-2: llvm.alloca %c128_i64
// FORWARD-COUNT-3: llvm.alloca %c16384_i64
// FORWARD-NOT: llvm.alloca

// RUN: attn-opt %s --tile-to-host --cse | FileCheck %s
// Two fragments that a loop exchanges go through a third buffer each: no copy reads what one before it
// has overwritten.
// CHECK-LABEL: llvm.func @exchange(
// CHECK: %[[SAFE_B:.*]] = llvm.alloca
// CHECK: %[[SAFE_A:.*]] = llvm.alloca
// CHECK: %[[B:.*]] = llvm.alloca
// CHECK: %[[A:.*]] = llvm.alloca
// CHECK: scf.for {{.*}} : i32 {
// CHECK: llvm.getelementptr %[[B]]
// CHECK: llvm.getelementptr %[[SAFE_A]]
// CHECK: llvm.getelementptr %[[A]]
// CHECK: llvm.getelementptr %[[SAFE_B]]
// CHECK: llvm.getelementptr %[[SAFE_A]]
// CHECK: llvm.getelementptr %[[A]]
// CHECK: llvm.getelementptr %[[SAFE_B]]
// CHECK: llvm.getelementptr %[[B]]
tile.kernel @exchange(%o: !tile.global<16xf32, direct> {tile.arg = "o"}, %v: !tile.global<16xf32, direct> {tile.arg = "v"},
                      %len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %x = arith.constant 1.0 : f32
  %y = arith.constant 2.0 : f32
  %a0 = tile.fill %x : f32 -> !tile.frag<8x16xf32, acc>
  %b0 = tile.fill %y : f32 -> !tile.frag<8x16xf32, acc>
  %a, %b = scf.for %i = %c0 to %len step %c1 iter_args(%s = %a0, %t = %b0)
      -> (!tile.frag<8x16xf32, acc>, !tile.frag<8x16xf32, acc>) : i32 {
    scf.yield %t, %s : !tile.frag<8x16xf32, acc>, !tile.frag<8x16xf32, acc>
  }
  tile.store %a, %o[%c0, %c0, %c0] limit %len : !tile.frag<8x16xf32, acc>, !tile.global<16xf32, direct>
  tile.store %b, %v[%c0, %c0, %c0] limit %len : !tile.frag<8x16xf32, acc>, !tile.global<16xf32, direct>
  tile.return
}

// One sweep over rows computes all that follows a product: the maximum of a row in its first pass, its
// exponentials and their sum in the second, four vectors at a time; row values are computed side by side.
// CHECK-LABEL: llvm.func @softmax(
// CHECK: scf.for {{.*}} step %c8_i64
// CHECK: scf.for
// CHECK: iter_args({{.*}}) -> (vector<32xf32>)
// CHECK: arith.cmpf ogt, {{.*}} : vector<32xf32>
// CHECK: arith.negf {{.*}} : vector<8xf32>
// CHECK: scf.for
// CHECK: iter_args({{.*}}) -> (vector<32xf32>)
// CHECK: llvm.intr.fma{{.*}} vector<32xf32>
// CHECK: arith.addf {{.*}} : vector<32xf32>
tile.kernel @softmax(%q: !tile.global<64xf32, direct> {tile.arg = "q"}, %k: !tile.global<64xf32, direct> {tile.arg = "k"},
                     %o: !tile.global<64xf32, direct> {tile.arg = "o"}, %lse: !tile.global<1xf32, direct> {tile.arg = "lse"},
                     %len: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["q_heads"]} {
  %c0 = arith.constant 0 : i32
  %pipe = tile.pipe.create consumers 1 : !tile.pipe<1 x <64x64xf32, swizzle 0>, cooperative>
  %lhs = tile.load %q[%c0, %c0, %c0] limit %len : !tile.global<64xf32, direct> -> !tile.frag<16x64xf32, lhs>
  tile.copy %k[%c0, %c0, %c0] limit %len into %pipe[%c0] : !tile.global<64xf32, direct>, !tile.pipe<1 x <64x64xf32, swizzle 0>, cooperative>
  %rhs = tile.pipe.wait %pipe[%c0] : !tile.pipe<1 x <64x64xf32, swizzle 0>, cooperative> -> !tile.shared<64x64xf32, swizzle 0>
  %p = tile.mma %lhs, %rhs {transpose_rhs} : !tile.frag<16x64xf32, lhs>, !tile.shared<64x64xf32, swizzle 0> -> !tile.pending<<16x64xf32, acc>>
  %s = tile.wait %p : !tile.pending<<16x64xf32, acc>> -> !tile.frag<16x64xf32, acc>
  %part = tile.reduce max %s : !tile.frag<16x64xf32, acc> -> !tile.frag<16xf32, partial>
  %max = tile.combine max %part : !tile.frag<16xf32, partial> -> !tile.frag<16xf32, row>
  %less = tile.map %max : (!tile.frag<16xf32, row>) -> !tile.frag<16xf32, row> {
  ^bb0(%m: f32):
    %n = arith.negf %m : f32
    tile.yield %n : f32
  }
  %wide = tile.broadcast %less : !tile.frag<16xf32, row> -> !tile.frag<16x64xf32, acc>
  %e = tile.map %s, %wide : (!tile.frag<16x64xf32, acc>, !tile.frag<16x64xf32, acc>) -> !tile.frag<16x64xf32, acc> {
  ^bb0(%x: f32, %m: f32):
    %d = arith.addf %x, %m : f32
    %y = math.exp2 %d : f32
    tile.yield %y : f32
  }
  %some = tile.reduce add %e : !tile.frag<16x64xf32, acc> -> !tile.frag<16xf32, partial>
  %sum = tile.combine add %some : !tile.frag<16xf32, partial> -> !tile.frag<16xf32, row>
  tile.store %e, %o[%c0, %c0, %c0] limit %len : !tile.frag<16x64xf32, acc>, !tile.global<64xf32, direct>
  tile.store %sum, %lse[%c0, %c0, %c0] limit %len : !tile.frag<16xf32, row>, !tile.global<1xf32, direct>
  tile.return
}
