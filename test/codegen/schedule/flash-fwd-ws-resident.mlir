// flash_fwd_ws with resident workgroups: the rings go on from tile to tile, and the first scores of a tile run
// beside the last output of the tile before.
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<grid=resident,q_stages=2,pingpong=on,anchor=off,loops=split>" --canonicalize --cse | FileCheck %s
// RUN: attn-opt %S/Inputs/causal-d128.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<grid=resident,loops=split>" --canonicalize --cse | FileCheck %s --check-prefix=CAUSAL
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<grid=resident,overlap=off>" --canonicalize --cse | FileCheck %s --check-prefix=ORDERED

// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-SAME: %[[WORKGROUPS:.*]]: i32 {tile.arg = "workgroups"}
// CHECK-SAME: grid = ["resident(ceil_div(q_len, 192) * q_heads * batch)"]
// CHECK: %[[Q:.*]] = tile.pipe.create consumers 3 : <2 x <192x64xf16, swizzle 128>, bulk>
// CHECK: %[[K:.*]] = tile.pipe.create consumers 3 : <2 x <128x64xf16, swizzle 128>, bulk>
// CHECK: %[[V:.*]] = tile.pipe.create

// CHECK: %[[MAIL:.*]] = tile.mail.create consumers 3 : <4 x 7>

// Use i of the queries is the workgroup's i-th tile; keys and values count on over all tiles. Where a tile is,
// the producer alone works out.
// CHECK: role producer
// CHECK: scf.for %[[VISIT:.*]] = {{.*}} iter_args(%[[USE:.*]] = %c0_i32)
// CHECK: tile.mail.post %[[MAIL]][%[[VISIT]]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}
// CHECK: tile.copy {{.*}} into %[[K]][%[[USE]]]
// CHECK: tile.copy {{.*}} into %[[Q]][%[[VISIT]]]
// CHECK: tile.copy {{.*}} into %[[V]][%[[USE]]]
// CHECK: scf.for
// CHECK: tile.copy {{.*}} into %[[K]]
// CHECK: tile.copy {{.*}} into %[[V]]

// CHECK: role consumer
// CHECK: scf.for %[[TILE:.*]] = {{.*}} iter_args(%[[FIRST:.*]] = %c0_i32, {{.*}}, %[[OUT:.*]] = %{{.*}}, %[[P:.*]] = %{{.*}}, %[[COUNTS:.*]] = %false)
// CHECK: tile.mail.take %[[MAIL]][%[[TILE]]]
// CHECK: tile.pipe.wait %[[Q]][%[[TILE]]]
// CHECK: %[[ANY:.*]] = arith.cmpi ne, %[[FIRST]], %c0_i32
// CHECK: tile.pipe.wait %[[K]][%[[FIRST]]]
// CHECK: tile.named_barrier.sync
// CHECK: tile.mma {{.*}} {transpose_rhs}
// CHECK: %[[LAST:.*]] = tile.mma %[[P]], {{.*}} acc %[[OUT]] : {{.*}} when %[[COUNTS]]
// CHECK: tile.pipe.release %[[Q]][%[[TILE]]] when
// CHECK: %[[DONE:.*]] = tile.wait %[[LAST]]
// CHECK: tile.pipe.release %[[V]]{{.*}} when %[[ANY]]
// The tile before is stored where there is one.
// CHECK: scf.if %[[ANY]] {
// CHECK: %[[PLACE:.*]]:7 = tile.mail.take %[[MAIL]][%[[BEFORE:.*]]]
// CHECK: tile.store {{.*}}[%[[PLACE]]#0, %[[PLACE]]#1, %{{.*}}]
// CHECK: tile.mail.release %[[MAIL]][%[[BEFORE]]]
// What it left in the accumulator does not count in the second step.
// CHECK: scf.for {{.*}} = %false)
// CHECK: tile.mma {{.*}} when
// CHECK: tile.pipe.release %[[Q]][%[[TILE]]] when
// CHECK: scf.yield {{.*}}, %true :
// The last tile.
// CHECK: tile.mma
// CHECK-NEXT: tile.wait
// CHECK: tile.store
// CHECK-NOT: tile.store

// Masked steps share the first one's loop; the others have one without a mask.
// CAUSAL: role consumer
// CAUSAL: scf.for
// CAUSAL: scf.for
// CAUSAL: arith.cmpi sle
// CAUSAL: scf.if
// CAUSAL: tile.store
// CAUSAL: scf.for
// CAUSAL-NOT: arith.cmpi sle
// CAUSAL: tile.store

// Without overlap each tile is stored before the next begins.
// ORDERED: role consumer
// ORDERED: scf.for
// ORDERED: scf.for
// ORDERED: tile.pipe.release
// ORDERED: tile.store
// ORDERED: scf.yield
// ORDERED-NOT: tile.store
