// The entry: tensor maps by value in the parameter space, direct tensors as pointer and strides, the block
// size, flush-to-zero f32; roles as one if/else chain with their register budgets, a barrier before it.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

// CHECK: llvm.mlir.global external @attn_shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
// CHECK-LABEL: llvm.func @roles(
// CHECK-SAME: %{{.*}}: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}
// CHECK-SAME: %{{.*}}: !llvm.ptr<1>, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i32)
// CHECK-SAME: nvvm.kernel, nvvm.minctasm = 1 : i32, nvvm.reqntid = array<i32: 384, 1, 1>
// CHECK-SAME: ["denormal-fp-math-f32", "preserve-sign,preserve-sign"]
// CHECK: llvm.nvvm.fence.mbarrier_init.release.cluster
// CHECK-NEXT: llvm.nvvm.barrier.cta.sync.aligned.all
// CHECK: scf.if
// CHECK-NEXT: nvvm.setmaxregister decrease 24
// CHECK: scf.if
// CHECK: nvvm.elect.sync
// CHECK-NEXT: scf.if
// CHECK: "first"
// CHECK: else
// CHECK-NEXT: nvvm.setmaxregister increase 240
// CHECK: "second"
tile.kernel @roles(%q: !tile.global<64xf16, bulk> {tile.arg = "q"}, %o: !tile.global<64xf16, direct> {tile.arg = "o"},
                   %n: i32 {tile.arg = "q_len"}) attributes {units = 3 : i64, grid = ["1"]} {
  tile.specialize
    role producer(%p) units 1 registers 24 single_thread {
      llvm.inline_asm has_side_effects "first", "" : () -> ()
    }
    role consumer(%c) units 2 registers 240 {
      llvm.inline_asm has_side_effects "second", "" : () -> ()
    }
  tile.return
}

// -----

// Workgroups of a cluster begin together, and no role ends before all do.
// CHECK-LABEL: llvm.func @together(
// CHECK-SAME: nvvm.cluster_dim = array<i32: 4, 1, 1>
// CHECK: nvvm.read.ptx.sreg.cluster.ctarank
// CHECK: llvm.nvvm.barrier.cluster.arrive.relaxed
// CHECK-NEXT: llvm.nvvm.barrier.cluster.wait
// CHECK: nvvm.elect.sync
// CHECK: "first"
// CHECK-NEXT: llvm.call_intrinsic "llvm.nvvm.barrier.cluster.arrive"
// CHECK-NEXT: llvm.nvvm.barrier.cluster.wait
// CHECK: "second"
// CHECK-NEXT: llvm.call_intrinsic "llvm.nvvm.barrier.cluster.arrive"
// CHECK-NEXT: llvm.nvvm.barrier.cluster.wait
tile.kernel @together(%n: i32 {tile.arg = "q_len"}) attributes {units = 2 : i64, cluster = 4 : i64, grid = ["4"]} {
  %rank = tile.cluster_rank
  tile.delay %n at 1 use %rank
  tile.specialize
    role producer(%p) units 1 single_thread {
      llvm.inline_asm has_side_effects "first", "" : () -> ()
    }
    role consumer(%c) units 1 {
      llvm.inline_asm has_side_effects "second", "" : () -> ()
    }
  tile.return
}
