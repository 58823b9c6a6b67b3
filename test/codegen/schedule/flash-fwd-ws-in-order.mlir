// flash_fwd_ws without overlap: each step's scores, then its output.
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<overlap=off,grid=tiles,pingpong=off>" --canonicalize --cse | FileCheck %s

// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK: role consumer
// CHECK: scf.for
// CHECK: %[[S:.*]] = tile.mma {{.*}} {transpose_rhs}
// CHECK-NEXT: tile.wait %[[S]] :
// CHECK-NEXT: tile.pipe.release
// CHECK: tile.reduce max
// CHECK: tile.cast {{.*}}, lhs>
// CHECK: %[[O:.*]] = tile.mma
// CHECK-NEXT: tile.wait %[[O]] :
// CHECK-NEXT: tile.pipe.release
// CHECK: scf.yield
// CHECK-NOT: tile.mma
