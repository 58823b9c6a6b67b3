// A release that hangs on an anchor is predicated on a comparison of the row fragment, which is true for
// every number and NaN: no sum has the bits 0x7fc12345.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
!sum = !tile.frag<64xf32, partial>

// CHECK-LABEL: llvm.func @anchored(
// CHECK-DAG: %[[NONE:.*]] = arith.constant 2143363909 : i32
// CHECK-DAG: %[[SUM:.*]] = arith.addf
// CHECK: %[[BITS:.*]] = arith.bitcast %[[SUM]] : f32 to i32
// CHECK: %[[TRUTH:.*]] = arith.cmpi ne, %[[BITS]], %[[NONE]] : i32
// CHECK: %[[ARRIVES:.*]] = arith.andi %[[TRUTH]], %{{.*}} : i1
// CHECK: "@$1 mbarrier.arrive.shared::cta.b64 _, [$0];", {{.*}} %{{.*}}, %[[ARRIVES]]
tile.kernel @anchored(%x: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %keys = tile.pipe.create consumers 1 : !pipe
  tile.specialize
    role consumer(%unit) units 1 {
      %sum = tile.fill %x : f32 -> !sum
      %truth = tile.anchor %sum : !sum
      tile.pipe.release %keys[%c0] when %truth : !pipe
    }
  tile.return
}
