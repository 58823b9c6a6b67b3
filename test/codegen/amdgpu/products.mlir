// A product issues its hardware op transposed: rhs^T from shared memory is the first operand, the
// left fragment as it stands the second. Pieces are read a fixed distance before they multiply.
// REQUIRES: amdgpu
// RUN: attn-opt %s -tile-to-rocdl=target=gfx942 -cse -mlir-print-local-scope | FileCheck %s --check-prefixes=CHECK,MFMA
// RUN: attn-opt %s -tile-to-rocdl=target=gfx1100 -cse -mlir-print-local-scope | FileCheck %s --check-prefixes=CHECK,WMMA

// CHECK: llvm.mlir.global internal @scores_shared() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<4608 x i8>
// A direct tensor is its base and three strides.
// CHECK-LABEL: llvm.func @scores(
// CHECK-SAME: !llvm.ptr<1>, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: !llvm.ptr<1>
// CHECK-SAME: "denormal-fp-math-f32", "preserve-sign,preserve-sign"
// MFMA-SAME: rocdl.flat_work_group_size = "128,128"
// WMMA-SAME: rocdl.flat_work_group_size = "64,64"
// CHECK-SAME: rocdl.kernel
tile.kernel @scores(%query: !tile.global<32xf16, direct> {tile.arg = "q"},
                    %out: !tile.global<32xf16, direct> {tile.arg = "o"}, %q_len: i32 {tile.arg = "q_len"})
    attributes {units = 2 : i64, grid = ["batch"], tile.shared_bytes = 4608 : i64} {
  %zero = arith.constant 0 : i32
  %tile = tile.alloc {offset = 0 : i64} : !tile.shared<32x32xf16, swizzle 0>
  %q = tile.load %query[%zero, %zero, %zero] limit %q_len : !tile.global<32xf16, direct> -> !tile.frag<16x32xf16, lhs>
  // The fences name shared memory alone.
  // CHECK: llvm.fence syncscope("workgroup") release {llvm.mmra = #llvm.mmra_tag<"amdgpu-synchronize-as":"local">}
  // CHECK-NEXT: rocdl.s.barrier
  // CHECK-NEXT: llvm.fence syncscope("workgroup") acquire {llvm.mmra = #llvm.mmra_tag<"amdgpu-synchronize-as":"local">}
  tile.barrier

  // N x K: a lane's k values lie side by side. The second piece is read before the first multiplies.
  // MFMA-COUNT-2: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<8xf16>
  // MFMA: %[[K0:.*]] = rocdl.mfma.f32.16x16x16f16 %{{[^,]*}}, %[[B0:[^,]*]],
  // MFMA: %[[SUM:.*]] = rocdl.mfma.f32.16x16x16f16 %{{[^,]*}}, %[[B1:[^,]*]], %[[K0]]
  // MFMA-NEXT: rocdl.sched.barrier 0
  // The next tile of columns meets the same query.
  // MFMA: rocdl.mfma.f32.16x16x16f16 %{{[^,]*}}, %[[B0]],
  // MFMA: rocdl.mfma.f32.16x16x16f16 %{{[^,]*}}, %[[B1]],
  // MFMA-NEXT: rocdl.sched.barrier 0
  // WMMA-COUNT-2: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<16xf16>
  // WMMA: %[[T0:.*]] = rocdl.wmma.f32.16x16x16.f16 %{{[^,]*}}, %[[B0:[^,]*]],
  // WMMA-NEXT: rocdl.sched.barrier 0
  // WMMA: llvm.load %{{.*}} -> vector<16xf16>
  // WMMA: %[[T1:.*]] = rocdl.wmma.f32.16x16x16.f16 %{{[^,]*}}, %[[B0]],
  // WMMA: rocdl.wmma.f32.16x16x16.f16 %{{[^,]*}}, %[[B1:[^,]*]], %[[T0]]
  // WMMA: rocdl.wmma.f32.16x16x16.f16 %{{[^,]*}}, %[[B1]], %[[T1]]
  %s_pending = tile.mma %q, %tile {transpose_rhs} : !tile.frag<16x32xf16, lhs>, !tile.shared<32x32xf16, swizzle 0> -> !tile.pending<<16x32xf32, acc>>
  %s = tile.wait %s_pending : !tile.pending<<16x32xf32, acc>> -> !tile.frag<16x32xf32, acc>

  // MFMA holds a left operand as it holds results. Of a WMMA result each lane of a pair holds half of
  // the columns, and fetches the other half, a pair of values at a time.
  // MFMA: arith.truncf %{{.*}} : vector<8xf32> to vector<8xf16>
  // WMMA: arith.truncf %{{.*}} : vector<16xf32> to vector<16xf16>
  // WMMA-COUNT-8: rocdl.permlanex16
  %p = tile.cast %s : !tile.frag<16x32xf32, acc> to !tile.frag<16x32xf16, lhs>

  // K x N: two columns a read, put together for the products of both.
  // MFMA-COUNT-8: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> vector<2xf16>
  // MFMA-COUNT-2: rocdl.mfma
  // MFMA-NEXT: rocdl.sched.barrier 0
  // MFMA-COUNT-2: rocdl.mfma
  // MFMA-NOT: rocdl.mfma
  // WMMA-COUNT-32: llvm.load %{{.*}} {alignment = 4 : i64} : !llvm.ptr<3> -> vector<2xf16>
  // WMMA-COUNT-2: rocdl.wmma
  // WMMA-NEXT: rocdl.sched.barrier 0
  // WMMA-COUNT-2: rocdl.wmma
  // WMMA-NOT: rocdl.wmma
  %o_pending = tile.mma %p, %tile : !tile.frag<16x32xf16, lhs>, !tile.shared<32x32xf16, swizzle 0> -> !tile.pending<<16x32xf32, acc>>
  %o = tile.wait %o_pending : !tile.pending<<16x32xf32, acc>> -> !tile.frag<16x32xf32, acc>
  %half = tile.cast %o : !tile.frag<16x32xf32, acc> to !tile.frag<16x32xf16, acc>
  tile.store %half, %out[%zero, %zero, %zero] limit %q_len : !tile.frag<16x32xf16, acc>, !tile.global<32xf16, direct>
  tile.return
}
