// flash_fwd_async: the values of a step are copied while its scores are computed, the keys of the next step during the
// softmax and the second product. A ring's uses count from 0, whichever block is the first.
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_80 schedule=flash_fwd_async.v1<bn=64,stages=2>" --canonicalize --cse | FileCheck %s
// RUN: attn-opt %S/Inputs/window-d64.mlir --attn-to-tile="target=sm_80" --canonicalize --cse | FileCheck %s --check-prefix=BELOW
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_80 schedule=flash_fwd_async.v1<query=registers>" --canonicalize --cse | FileCheck %s --check-prefix=REGISTERS
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=sm_80 schedule=flash_fwd_async.v1<order=reverse>" --canonicalize --cse | FileCheck %s --check-prefix=REVERSE

// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-SAME: grid = ["ceil_div(q_len, 128)", "q_heads", "batch"]
// CHECK-SAME: units = 4
// CHECK: %[[K:.*]] = tile.pipe.create consumers 4 : <2 x <64x64xf16, swizzle 128>, cooperative>
// CHECK: %[[V:.*]] = tile.pipe.create consumers 4 : <2 x <64x64xf16, swizzle 128>, cooperative>
// CHECK: %[[Q:.*]] = tile.pipe.create consumers 4 : <1 x <128x64xf16, swizzle 128>, cooperative>
// CHECK: tile.copy {{.*}} into %[[Q]]
// CHECK: tile.copy {{.*}} into %[[K]]
// CHECK: tile.pipe.wait %[[Q]]
// CHECK-NEXT: %[[ROWS:.*]] = tile.slice
// CHECK: scf.for %[[I:arg[0-9]+]] =
// CHECK: tile.pipe.acquire %[[V]][%[[I]]]
// CHECK-NEXT: tile.copy {{.*}} into %[[V]][%[[I]]]
// CHECK-NEXT: tile.pipe.commit %[[V]][%[[I]]]
// CHECK-NEXT: tile.pipe.wait %[[K]][%[[I]]]
// CHECK-NEXT: tile.mma %[[ROWS]], {{.*}} {transpose_rhs}
// CHECK-NEXT: tile.wait
// CHECK-NEXT: tile.pipe.release %[[K]][%[[I]]]
// CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[I]],
// Behind the last block nothing is read.
// CHECK-NEXT: %[[MORE:.*]] = arith.cmpi slt, %[[NEXT]],
// CHECK-NEXT: %[[LIMIT:.*]] = arith.select %[[MORE]], %{{.*}}, %c0_i32
// CHECK: tile.pipe.acquire %[[K]][%[[NEXT]]]
// CHECK-NEXT: tile.copy {{.*}} limit %[[LIMIT]] into %[[K]][%[[NEXT]]]
// CHECK-NEXT: tile.pipe.commit %[[K]][%[[NEXT]]]
// CHECK: tile.reduce max
// CHECK: tile.cast {{.*}} to <32x64xf16, lhs>
// CHECK-NEXT: tile.pipe.wait %[[V]][%[[I]]]
// CHECK-NEXT: tile.mma
// CHECK-NEXT: tile.wait
// CHECK-NEXT: tile.pipe.release %[[V]][%[[I]]]
// The tail, where keys may be past the end.
// CHECK: scf.for
// CHECK: arith.cmpi sle
// CHECK-NOT: scf.for
// CHECK: tile.store

// BELOW: tile.pipe.acquire %{{.*}}[%c0_i32]
// BELOW: tile.pipe.acquire %{{.*}}[%c0_i32]
// BELOW: scf.for %[[I:arg[0-9]+]] = %[[FIRST:.*]] to
// BELOW: %[[USE:.*]] = arith.subi %[[I]], %[[FIRST]]
// BELOW: tile.pipe.acquire %{{.*}}[%[[USE]]]

// REGISTERS: tile.load %arg0{{.*}} -> <32x64xf16, lhs>
// REGISTERS-NOT: tile.slice
// REGISTERS: tile.mma %{{.*}}, %{{.*}} {transpose_rhs} : !tile.frag<32x64xf16, lhs>

// REVERSE: %[[LAST:.*]] = arith.subi %{{.*}}, %c1
// REVERSE: arith.subi %[[LAST]], %{{.*}}
