// A maximum that lags behind: a tile's takes its place once it is 8 ahead in base 2, the factor is exactly 1 until
// then, and the output is rescaled by an op that waves with factors of 1 may skip. Otherwise every maximum counts.
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<rescale=lazy,grid=tiles>" --canonicalize --cse | FileCheck %s
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<rescale=always,grid=tiles>" --canonicalize --cse | FileCheck %s --check-prefix=ALWAYS

// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-DAG: %[[LAG:.*]] = arith.constant 8.0{{.*}} : f32
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1.0{{.*}} : f32
// CHECK: scf.for
// CHECK: %[[MOST:.*]] = tile.combine max
// CHECK: %[[AHEAD:.*]] = arith.subf
// CHECK: %[[SCALED:.*]] = arith.mulf %[[AHEAD]]
// CHECK: arith.cmpf ogt, %[[SCALED]], %[[LAG]]
// CHECK: %[[STAYS:.*]] = arith.cmpf oeq
// CHECK: arith.select %[[STAYS]], %[[ONE]]
// CHECK: tile.rescale
// CHECK: scf.yield

// ALWAYS: arith.maxnumf
// ALWAYS-NOT: tile.rescale
