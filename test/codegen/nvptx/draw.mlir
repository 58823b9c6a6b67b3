// A drawn number is one atomic instruction that starts anew by itself; no order of other memory hangs on it.
// RUN: attn-opt %s --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

// CHECK-LABEL: llvm.func @drawn(
// CHECK-SAME: %[[COUNTER:[^ :]*]]: !llvm.ptr<1>
// CHECK: %[[LAST:.*]] = arith.subi %{{.*}}, %{{.*}} : i32
// CHECK: llvm.atomicrmw uinc_wrap %[[COUNTER]], %[[LAST]] syncscope("device") monotonic : !llvm.ptr<1>, i32
tile.kernel @drawn(%counter: !tile.counter {tile.arg = "workspace"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 2 : i64, grid = ["1"]} {
  %mail = tile.mail.create consumers 1 : !tile.mail<4 x 1>
  %zero = arith.constant 0 : i32
  tile.specialize
    role producer(%p) units 1 registers 40 single_thread {
      %0 = tile.draw %counter of %n : !tile.counter
      tile.mail.post %mail[%zero], %0 : !tile.mail<4 x 1>
    }
    role consumer(%unit) units 1 registers 232 {
      %1 = tile.mail.take %mail[%zero] : !tile.mail<4 x 1> -> i32
      tile.mail.release %mail[%zero] : !tile.mail<4 x 1>
    }
  tile.return
}
