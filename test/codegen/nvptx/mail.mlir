// Mail is numbers in shared memory behind a full and an empty mbarrier a stage. One thread stores and arrives;
// all threads of a unit load, and each warp arrives on empty when all its threads have.
// RUN: attn-opt %s --split-input-file --verify-diagnostics --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

// CHECK-LABEL: llvm.func @told(
// Two consumers of four warps empty a stage.
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : i32
// CHECK-DAG: %[[WARPS:.*]] = arith.constant 8 : i32
// CHECK-DAG: %[[MORE:.*]] = arith.constant {{[0-9]+}} : i32
// CHECK-COUNT-4: llvm.nvvm.mbarrier.init.shared{{.*}}%[[ONE]]
// CHECK-COUNT-4: llvm.nvvm.mbarrier.init.shared{{.*}}%[[WARPS]]
// CHECK-NOT: llvm.nvvm.mbarrier.init.shared
// CHECK: llvm.nvvm.barrier.cta.sync.aligned.all
// The producer: empty, then the numbers, then full.
// CHECK: mbarrier.try_wait.parity
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<3xi32>, !llvm.ptr<3>
// CHECK-NEXT: "mbarrier.arrive.shared::cta.b64 _, [$0];"
// A consumer: full, then the numbers, then empty.
// CHECK: mbarrier.try_wait.parity
// CHECK: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<3xi32>
// CHECK: "bar.warp.sync -1; @$1 mbarrier.arrive.shared::cta.b64 _, [$0];", "r,b,~{memory}"
tile.kernel @told(%i: i32 {tile.arg = "q_len"}, %o: !tile.global<64xf32, direct> {tile.arg = "o"}) attributes {units = 3 : i64, grid = ["1"]} {
  %zero = arith.constant 0.0 : f32
  %mail = tile.mail.create consumers 2 : !tile.mail<4 x 3>
  tile.specialize
    role producer(%unit) units 1 single_thread {
      tile.mail.post %mail[%i], %i, %i, %i : !tile.mail<4 x 3>
    }
    role consumer(%unit) units 2 {
      %rows = tile.fill %zero : f32 -> !tile.frag<64x64xf32, acc>
      %0:3 = tile.mail.take %mail[%i] : !tile.mail<4 x 3> -> i32, i32, i32
      tile.store %rows, %o[%0#0, %0#1, %0#2] limit %i : !tile.frag<64x64xf32, acc>, !tile.global<64xf32, direct>
      tile.mail.release %mail[%i] : !tile.mail<4 x 3>
    }
  tile.return
}

// -----

tile.kernel @carried(%i: i32 {tile.arg = "q_len"}) attributes {units = 2 : i64, grid = ["1"]} {
  %yes = arith.cmpi sgt, %i, %i : i32
  %a = tile.mail.create consumers 1 : !tile.mail<4 x 1>
  %b = tile.mail.create consumers 1 : !tile.mail<4 x 1>
  tile.specialize
    role producer(%unit) units 1 single_thread {
      %either = scf.if %yes -> !tile.mail<4 x 1> {
        scf.yield %a : !tile.mail<4 x 1>
      } else {
        scf.yield %b : !tile.mail<4 x 1>
      }
      // expected-error @below {{failed to legalize operation 'tile.mail.post'}}
      // expected-error @below {{names mail that is not the result of a tile.mail.create}}
      tile.mail.post %either[%i], %i : !tile.mail<4 x 1>
    }
    role consumer(%unit) units 1 {
    }
  tile.return
}
