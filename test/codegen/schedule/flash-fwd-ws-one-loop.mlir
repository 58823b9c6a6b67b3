// flash_fwd_ws with one loop for all steps of a tile: masks and the store of the tile before stand behind
// branches, the store ahead of the exponentials, so that rescaling finds them beside it.
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<loops=one,bm=128>" --canonicalize --cse | FileCheck %s
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<loops=one,bm=128,anchor=on>" --canonicalize --cse | FileCheck %s --check-prefix=ANCHORED
// RUN: attn-opt %S/Inputs/window-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<loops=one>" --canonicalize --cse | FileCheck %s --check-prefix=WINDOW

// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK: role consumer
// CHECK: scf.for %[[TILE:.*]] = {{.*}} iter_args(%[[FIRST:.*]] = %c0_i32, %[[SUM:.*]] = %{{.*}}, %[[OUT:.*]] = %{{.*}}, %[[P:.*]] = %{{.*}}, %[[COUNTS:.*]] = %false)
// CHECK: scf.for %[[STEP:.*]] = %c0_i32 to %{{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}, %{{.*}} = %[[OUT]], %{{.*}} = %[[P]], %{{.*}} = %[[COUNTS]])
// The step that ends beyond the keys.
// CHECK: %[[MASKED:.*]] = arith.cmpi slt, %[[STEP]]
// CHECK: tile.mma
// CHECK: %[[LAST:.*]] = tile.mma {{.*}} when
// CHECK: %[[SCORES:.*]] = tile.wait
// CHECK: scf.if %[[MASKED]] -> (!tile.frag<64x128xf32, acc>) {
// CHECK: arith.cmpi sle
// CHECK: } else {
// CHECK-NEXT: scf.yield %[[SCORES]]
// Pinned behind the maxima, or the assembler waits for the output first.
// CHECK: %[[PIN:.*]] = tile.anchor
// CHECK: tile.pipe.release {{.*}} when %[[PIN]]
// CHECK: tile.wait %[[LAST]]
// CHECK: scf.if {{.*}} {
// CHECK: tile.combine add %[[SUM]]
// CHECK: tile.store
// CHECK: }
// CHECK: math.exp2
// CHECK: scf.yield
// CHECK: scf.yield
// The last tile, and no other loop.
// CHECK-NOT: scf.for
// CHECK: tile.store
// CHECK-NOT: tile.store

// ANCHORED: role consumer
// ANCHORED: math.exp2
// ANCHORED: tile.anchor
// ANCHORED: scf.if
// ANCHORED: tile.store

// A window hides keys at both ends.
// WINDOW: role consumer
// WINDOW: %[[FIRST:.*]] = arith.cmpi sge, {{.*}}
// WINDOW-NEXT: %[[EITHER:.*]] = arith.ori %{{.*}}, %[[FIRST]]
// WINDOW: scf.if %[[EITHER]] ->
