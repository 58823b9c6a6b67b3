// flash_fwd_sync: every unit loads its rows, all copy a key and a value tile, each multiplies its own.
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=gfx942" --canonicalize --cse | FileCheck %s

// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-SAME: grid = ["ceil_div(q_len, 128)", "q_heads", "batch"]
// CHECK-SAME: units = 4
// CHECK: %[[K:.*]] = tile.pipe.create consumers 4 : <1 x <64x64xf16, swizzle 0>, cooperative>
// CHECK: %[[V:.*]] = tile.pipe.create consumers 4 : <1 x <64x64xf16, swizzle 0>, cooperative>
// CHECK: tile.unit_id
// CHECK: tile.load {{.*}} -> <32x64xf16, lhs>
// CHECK: scf.for
// CHECK: tile.pipe.acquire %[[K]]
// CHECK-NEXT: tile.pipe.acquire %[[V]]
// CHECK-NEXT: tile.copy {{.*}} into %[[K]]
// CHECK-NEXT: tile.copy {{.*}} into %[[V]]
// CHECK-NEXT: tile.pipe.commit %[[K]]
// CHECK-NEXT: tile.pipe.commit %[[V]]
// CHECK-NEXT: tile.pipe.wait %[[K]]
// CHECK-NEXT: tile.mma {{.*}} {transpose_rhs}
// CHECK-NEXT: tile.wait
// CHECK-NEXT: tile.pipe.release %[[K]]
// CHECK-NOT: arith.cmpi
// CHECK: tile.cast {{.*}} to <32x64xf16, lhs>
// CHECK: tile.mma
// CHECK-NEXT: tile.wait
// CHECK-NEXT: tile.pipe.release %[[V]]
// The tail, where keys may be past the end.
// CHECK: scf.for
// CHECK: arith.cmpi sle
// CHECK: scf.yield
// CHECK-NOT: scf.for
// CHECK: tile.store
// CHECK-NOT: tile.specialize
