// On a target of wide fragments one unit computes in f32, whatever the tensors hold.
// RUN: attn-opt %S/Inputs/full-d64.mlir --attn-to-tile="target=cpu" --canonicalize --cse | FileCheck %s

// CHECK-LABEL: tile.kernel @attn_fwd(
// CHECK-SAME: !tile.global<64xf16, direct> {tile.arg = "q"}
// CHECK-SAME: units = 1
// CHECK: tile.pipe.create consumers 1 : <1 x <128x64xf32, swizzle 0>, cooperative>
// CHECK-NOT: tile.unit_id
// CHECK: tile.load {{.*}} : <64xf16, direct> -> <128x64xf32, lhs>
// CHECK: tile.cast {{.*}} to <128x128xf32, lhs>
// CHECK: tile.cast {{.*}} to <128x64xf16, acc>
// CHECK-NEXT: tile.store
