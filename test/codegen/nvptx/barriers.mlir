// Barriers between units: all of them, some of them by number; what a unit puts into shared memory is
// fenced for the matrix unit.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

// CHECK-LABEL: llvm.func @barriers(
// CHECK-SAME: %[[ID:arg0]]: i32
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK-DAG: %[[THREADS:.*]] = arith.constant 256 : i32
// CHECK-DAG: %[[UNIT:.*]] = arith.constant 128 : i32
// CHECK: fence.proxy.async.shared::cta;
// CHECK: llvm.nvvm.barrier.cta.sync.aligned.all"(%[[ZERO]])
// CHECK: llvm.nvvm.barrier.cta.sync.aligned.count"(%[[ID]], %[[THREADS]])
// CHECK: llvm.nvvm.barrier.cta.arrive.aligned.count"(%[[ID]], %[[THREADS]])
// CHECK: fence.proxy.async.shared::cta;
// CHECK: llvm.nvvm.barrier.cta.sync.aligned.count"(%{{.*}}, %[[UNIT]])
tile.kernel @barriers(%id: i32 {tile.arg = "q_len"}) attributes {units = 2 : i64, grid = ["1"]} {
  tile.barrier
  tile.named_barrier.sync %id units 2
  tile.named_barrier.arrive %id units 2
  tile.publish
  tile.return
}
