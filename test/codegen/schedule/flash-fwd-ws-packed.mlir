// Query heads of one key head that share a tile (pack_gqa): its rows are counted tile after tile, head after head in
// each, and masks, regions and stores find a row's head and its own number.
// RUN: attn-opt %S/Inputs/causal-d128.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<grid=tiles,order=forward,bm=128,bn=64,pack_gqa=4>" --canonicalize --cse | FileCheck %s
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<bm=192,pack_gqa=2>" --canonicalize --cse | FileCheck %s --check-prefix=RESIDENT
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<bm=192,pack_gqa=1>" --canonicalize --cse | FileCheck %s --check-prefix=ONE
// RUN: attn-jit compile --target sm_90a -d 64 --score %root/templates/alibi.mlir --schedule "flash_fwd_ws.v1<grid=tiles,bm=64,pack_gqa=8>" --emit tile | FileCheck %s --check-prefix=SCORE

// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-SAME: %[[Q_LEN:[^ :]*]]: i32 {tile.arg = "q_len"}
// CHECK-SAME: grid = ["ceil_div(q_len, 32)", "ceil_div(q_heads, 4)", "batch"]
// CHECK-DAG: %[[HEAD:.*]] = arith.muli %{{.*}}, %c4_i32 : i32
// CHECK-DAG: arith.divui %[[HEAD]], %{{.*}} : i32
// The tile's keys are those of 32 positions.
// CHECK: %[[FIRST:.*]] = arith.divui %[[ROW:.*]], %c4_i32
// CHECK: %[[END:.*]] = arith.addi %[[FIRST]], %c32_i32
// CHECK: arith.minsi %[[END]], %[[Q_LEN]]
// CHECK: role producer
// CHECK: tile.copy %{{.*}}[%{{.*}}, %[[HEAD]], %[[FIRST]]] limit %[[Q_LEN]] into %{{.*}} {heads = 4 : i64}
// CHECK: role consumer
// CHECK: %[[OWN:.*]] = arith.addi %[[ROW]], %{{.*}} : i32
// CHECK: %[[NUMBERS:.*]] = tile.coord %[[OWN]] dim 0 : <64xi32, row>
// CHECK: %[[ROWS:.*]] = tile.map %[[NUMBERS]]
// CHECK: arith.divui %{{.*}}, %c128_i32
// CHECK: arith.remui %{{.*}}, %c32_i32
// CHECK: %[[QUERIES:.*]] = tile.broadcast %[[ROWS]]
// CHECK: tile.map %{{.*}}, %[[QUERIES]], %{{.*}} {no_wrap}
// CHECK: tile.store %{{.*}}[%{{.*}}, %[[HEAD]], %c0_i32] limit %[[Q_LEN]] plus

// RESIDENT: grid = ["resident(ceil_div(q_len, 96) * ceil_div(q_heads, 2) * batch)"]
// RESIDENT: tile.copy {{.*}} {heads = 2 : i64}
// RESIDENT: tile.store {{.*}} plus

// ONE: grid = ["resident(ceil_div(q_len, 192) * q_heads * batch)"]
// ONE-NOT: heads =
// ONE-NOT: plus
// ONE-NOT: tile.coord {{.*}} row>

// A region that reads the head reads the row's.
// SCORE: role consumer
// SCORE-DAG: %[[HEADS:.*]] = tile.broadcast
// SCORE-DAG: %[[QUERIES:.*]] = tile.broadcast
// SCORE: tile.map %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (!tile.frag<64x{{[0-9]+}}xf32, acc>, !tile.frag<64x{{[0-9]+}}xi32, acc>, !tile.frag<64x{{[0-9]+}}xi32, acc>, !tile.frag<64x{{[0-9]+}}xi32, acc>)
