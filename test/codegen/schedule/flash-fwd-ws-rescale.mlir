// The factor is exactly 1 where a maximum stays, and the output is rescaled by an op that waves with factors of 1 may
// skip. With rescale=always every step multiplies.
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<rescale=moved,grid=tiles>" --canonicalize --cse | FileCheck %s
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<rescale=always,grid=tiles>" --canonicalize --cse | FileCheck %s --check-prefix=ALWAYS

// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1.0{{.*}} : f32
// CHECK: scf.for
// CHECK: arith.maxnumf
// CHECK: %[[STAYS:.*]] = arith.cmpf oeq
// CHECK: arith.select %[[STAYS]], %[[ONE]]
// CHECK: tile.rescale %{{.*}} by
// CHECK: scf.yield

// ALWAYS-NOT: tile.rescale
