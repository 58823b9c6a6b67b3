// flash_fwd_ws: one producer, consumers of 64 rows each; with overlap, step i's scores run beside step
// i-1's output, and the keys are released before the softmax.
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<grid=tiles,pingpong=off,anchor=off>" --canonicalize --cse | FileCheck %s

// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-SAME: !tile.global<64xf16, bulk> {tile.arg = "q"}, {{.*}} {tile.arg = "k"}, {{.*}} {tile.arg = "v"}, %{{.*}}: !tile.global<64xf16, direct> {tile.arg = "o"}
// CHECK-SAME: grid = ["ceil_div(q_len, 192)", "q_heads", "batch"]
// CHECK-SAME: tile.mask = "full"
// CHECK-SAME: units = 4
// CHECK: %[[Q:.*]] = tile.pipe.create consumers 3 : <1 x <192x64xf16, swizzle 128>, bulk>
// CHECK: %[[K:.*]] = tile.pipe.create consumers 3 : <2 x <128x64xf16, swizzle 128>, bulk>
// CHECK: %[[V:.*]] = tile.pipe.create consumers 3 : <2 x <128x64xf16, swizzle 128>, bulk>
// CHECK: tile.specialize

// CHECK: role producer({{.*}}) units 1 registers 32 single_thread
// CHECK: tile.pipe.acquire %[[Q]]
// CHECK-NEXT: tile.copy {{.*}} into %[[Q]]
// CHECK-NEXT: tile.pipe.commit %[[Q]]
// CHECK: scf.for
// CHECK: tile.pipe.acquire %[[K]]
// CHECK-NEXT: tile.copy {{.*}} into %[[K]]
// CHECK-NEXT: tile.pipe.commit %[[K]]
// CHECK-NEXT: tile.pipe.acquire %[[V]]
// CHECK-NEXT: tile.copy {{.*}} into %[[V]]
// CHECK-NEXT: tile.pipe.commit %[[V]]

// CHECK: role consumer({{.*}}) units 3 registers 160
// CHECK: %[[QUERY:.*]] = tile.slice {{.*}} to <64x64xf16, swizzle 128, panel 192>
// The first step: scores alone, masked, for its block may be the last one.
// CHECK: tile.mma %[[QUERY]], %{{.*}} {transpose_rhs}
// CHECK-NEXT: tile.wait
// CHECK-NEXT: tile.pipe.release %[[K]]
// CHECK: arith.cmpi sle
// CHECK: tile.cast {{.*}} to <64x128xf16, lhs>
// One loop: nothing else is masked.
// CHECK: scf.for
// CHECK: tile.pipe.wait %[[K]]
// CHECK-NEXT: %[[S:.*]] = tile.mma %[[QUERY]], %{{.*}} {transpose_rhs}
// CHECK-NEXT: tile.pipe.wait %[[V]]
// CHECK-NEXT: %[[O:.*]] = tile.mma
// CHECK-NEXT: tile.wait %[[S]] {in_flight = 1 : i64}
// CHECK-NEXT: tile.pipe.release %[[K]]
// CHECK-NOT: arith.cmpi
// CHECK: tile.reduce max
// CHECK: tile.reduce add
// CHECK: tile.wait %[[O]] :
// CHECK-NEXT: tile.pipe.release %[[V]]
// CHECK: tile.cast {{.*}} to <64x128xf16, lhs>
// CHECK: scf.yield
// CHECK-NOT: scf.for
// The last output.
// CHECK: tile.mma
// CHECK-NEXT: tile.wait
// CHECK: tile.combine add
// CHECK: tile.store
// CHECK-NOT: tile.store
