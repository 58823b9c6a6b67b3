// A drawn number is one atomic instruction that starts anew by itself; no order of other memory hangs on it.
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

// CHECK-LABEL: llvm.func @drawn(
// CHECK-SAME: %[[COUNTER:[^ :]*]]: !llvm.ptr<1>
// CHECK: %[[LAST:.*]] = arith.subi %{{.*}}, %{{.*}} : i32
// CHECK: llvm.atomicrmw uinc_wrap %[[COUNTER]], %[[LAST]] syncscope("agent") monotonic : !llvm.ptr<1>, i32
tile.kernel @drawn(%counter: !tile.counter {tile.arg = "workspace"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %0 = tile.draw %counter of %n : !tile.counter
  scf.for %i = %0 to %n step %n : i32 {
    tile.barrier
  }
  tile.return
}
