// Workgroups that draw their tiles (grid=dynamic): the producer's first is its own, each further one the counter's next,
// drawn before the tile at hand is filled; consumers go on until they are told a tile of no step.
// RUN: attn-opt %S/Inputs/causal-d128.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<grid=dynamic,bm=128>" --canonicalize --cse | FileCheck %s
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<grid=dynamic,overlap=off>" --canonicalize --cse | FileCheck %s --check-prefix=ORDERED
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_90a schedule=flash_fwd_ws.v1<grid=resident>" --canonicalize --cse | FileCheck %s --check-prefix=WALK

// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-SAME: %[[COUNTER:[^ :]*]]: !tile.counter {tile.arg = "workspace"}
// CHECK-SAME: grid = ["resident(ceil_div(q_len, 128) * q_heads * batch)"]
// CHECK: role producer
// CHECK: %[[LAST:.*]]:3 = scf.while (%{{.*}} = %{{.*}}, %[[TURN:.*]] = %{{.*}}, %{{.*}} = %{{.*}})
// CHECK: %[[MORE:.*]] = arith.cmpi slt, %[[TURN]], %[[TURNS:.*]] : i32
// CHECK: scf.condition(%[[MORE]])
// CHECK: %[[DRAWN:.*]] = tile.draw %[[COUNTER]] of %[[TURNS]]
// CHECK: %[[NEXT:.*]] = arith.addi {{.*}}%[[DRAWN]]
// CHECK: tile.mail.post
// CHECK: tile.copy
// CHECK: scf.yield %{{.*}}, %[[NEXT]], %{{.*}}
// CHECK: tile.mail.post %{{.*}}[%[[LAST]]#0], %c0_i32, %c0_i32, %c0_i32, %c0_i32, %c0_i32, %c0_i32, %c0_i32
// CHECK: role consumer
// CHECK: %[[TOLD:.*]]:{{[0-9]+}} = scf.while (%[[NUMBER:[^ ]*]] =
// CHECK: %[[TILE:.*]]:7 = tile.mail.take %{{.*}}[%[[NUMBER]]]
// CHECK: %[[ANY:.*]] = arith.cmpi ne, %[[TILE]]#4, %c0_i32
// CHECK: scf.condition(%[[ANY]])
// The output of the last tile is stored behind the loop.
// CHECK: %[[BEFORE:.*]] = arith.subi %[[TOLD]]#0, %c1_i32
// CHECK: tile.mail.take %{{.*}}[%[[BEFORE]]]
// CHECK: tile.store

// ORDERED: role consumer
// ORDERED: scf.while
// ORDERED: tile.mail.take
// ORDERED: tile.store
// ORDERED: tile.mail.release

// WALK-NOT: tile.draw
// WALK-NOT: !tile.counter
// WALK-NOT: scf.while
