// Two workgroups on neighbouring query tiles fill rings of keys and values together (cluster): both walk over the key
// blocks that their rows see together; queries and mail are each one's own.
// RUN: attn-opt %S/Inputs/causal-d128.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<grid=tiles,order=reverse,bm=128,bn=64,cluster=2>" --canonicalize --cse | FileCheck %s
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<bm=192,order=forward,cluster=2>" --canonicalize --cse | FileCheck %s --check-prefix=RESIDENT
// RUN: attn-opt %S/Inputs/causal-d128.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<grid=tiles,bm=128,bn=64,pack_gqa=4,cluster=2>" --canonicalize --cse | FileCheck %s --check-prefix=PACKED
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<bm=192,cluster=1>" --canonicalize --cse | FileCheck %s --check-prefix=ALONE

// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-SAME: %[[Q_LEN:[^ :]*]]: i32 {tile.arg = "q_len"}
// CHECK-SAME: attributes {cluster = 2 : i64, grid = ["ceil_div(q_len, 256) * 2", "q_heads", "batch"]
// CHECK: %[[Q:.*]] = tile.pipe.create consumers 2 : <1 x <128x128xf16, swizzle 128>, bulk>
// CHECK: %[[K:.*]] = tile.pipe.create consumers 2 {cluster_wide} : <2 x <64x128xf16, swizzle 128>, bulk>
// CHECK: %[[V:.*]] = tile.pipe.create consumers 2 {cluster_wide} : <2 x <64x128xf16, swizzle 128>, bulk>
// The last pair of tiles comes first.
// CHECK-DAG: %[[ID:.*]] = tile.program_id 0
// CHECK-DAG: %[[NUMBER:.*]] = arith.divui %[[ID]], %c2_i32
// CHECK-DAG: %[[PAIRS:.*]] = arith.ceildivsi %[[Q_LEN]], %c256_i32
// CHECK: %[[FIRST:.*]] = arith.muli %{{.*}}, %c256_i32
// Its 256 rows say which keys are copied.
// CHECK: %[[END:.*]] = arith.addi %[[FIRST]], %c256_i32
// CHECK: arith.minsi %[[END]], %[[Q_LEN]]
// CHECK: %[[RANK:.*]] = tile.cluster_rank
// CHECK: %[[OFFSET:.*]] = arith.muli %[[RANK]], %c128_i32
// CHECK: %[[ROW:.*]] = arith.addi %[[FIRST]], %[[OFFSET]]
// CHECK: role producer
// CHECK: tile.copy %{{.*}}[%{{.*}}, %{{.*}}, %[[ROW]]] limit %[[Q_LEN]] into %[[Q]]
// CHECK: tile.copy {{.*}} into %[[K]]
// CHECK: role consumer
// CHECK: arith.addi %[[ROW]], %{{.*}} : i32

// RESIDENT: %[[WORKGROUPS:[^ :]*]]: i32 {tile.arg = "workgroups"}
// RESIDENT: cluster = 2 : i64, grid = ["resident(ceil_div(q_len, 384) * 2 * q_heads * batch)"]
// RESIDENT: tile.mail.create consumers 3
// RESIDENT: role producer
// RESIDENT-DAG: arith.divui %[[WORKGROUPS]], %c2_i32
// RESIDENT-DAG: %[[ID:.*]] = tile.program_id 0
// RESIDENT-DAG: arith.divui %[[ID]], %c2_i32
// RESIDENT: scf.for
// RESIDENT: %[[FIRST:.*]] = arith.muli %{{.*}}, %c384_i32
// RESIDENT: %[[ROW:.*]] = arith.addi %[[FIRST]], %{{.*}} : i32
// RESIDENT: tile.mail.post %{{.*}}, %{{.*}}, %{{.*}}, %[[ROW]],

// A tile of packed heads holds 32 positions.
// PACKED: grid = ["ceil_div(q_len, 64) * 2", "ceil_div(q_heads, 4)", "batch"]
// PACKED: %[[FIRST:.*]] = arith.divui %{{.*}}, %c4_i32
// PACKED: arith.addi %[[FIRST]], %c64_i32

// ALONE-NOT: cluster = 2
// ALONE-NOT: cluster_wide
// ALONE-NOT: cluster_rank
