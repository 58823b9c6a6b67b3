// A delay is a sleep without a branch: none for seed 0, else of a hash's length in one case of four.
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

// CHECK-LABEL: llvm.func @delays(
// CHECK-SAME: %[[SEED:arg0]]: i32
// CHECK-DAG: %[[NONE:.*]] = arith.constant 0 : i32
// CHECK-DAG: %[[MOST:.*]] = arith.constant 4095 : i32
// CHECK: %[[BY:.*]] = arith.muli %[[SEED]], %{{.*}} : i32
// CHECK: arith.xori %{{.*}}, %[[BY]] : i32
// CHECK: %[[OFF:.*]] = arith.cmpi eq, %[[SEED]], %[[NONE]] : i32
// CHECK: %[[TIME:.*]] = arith.andi %{{.*}}, %[[MOST]] : i32
// CHECK: %[[OURS:.*]] = arith.select %[[OFF]], %[[NONE]], %[[TIME]] : i32
// CHECK: %[[FINAL:.*]] = arith.select %{{.*}}, %[[NONE]], %[[OURS]] : i32
// CHECK: "nanosleep.u32 $0;", "r,~{memory}" %[[FINAL]]
tile.kernel @delays(%seed: i32 {tile.arg = "delay_seed"}) attributes {units = 1 : i64, grid = ["1"]} {
  tile.delay %seed at 3
  tile.return
}
