// A bulk pipe is a full and an empty mbarrier a stage: the producer waits for empty, announces its bytes
// and starts one tensor copy a panel; a consumer waits for full and arrives on empty.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared),tile-to-nvvm,canonicalize,cse)" | FileCheck %s

!pipe = !tile.pipe<2 x <128x128xf16, swizzle 128>, bulk>

// CHECK-LABEL: llvm.func @bulk(
// One arrival fills a stage, two consumers empty it.
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : i32
// CHECK-DAG: %[[TWO:.*]] = arith.constant 2 : i32
// A stage is 128 rows of 256 bytes.
// CHECK-DAG: %[[BYTES:.*]] = arith.constant 32768 : i32
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : i32
// CHECK-COUNT-4: llvm.nvvm.mbarrier.init.shared
// CHECK-NOT: llvm.nvvm.mbarrier.init.shared
// Every unit, and the copy engine, finds them initialised.
// CHECK: llvm.nvvm.fence.mbarrier_init.release.cluster
// CHECK-NEXT: llvm.nvvm.barrier.cta.sync.aligned.all
// CHECK: mbarrier.try_wait.parity.shared::cta.b64
// CHECK: mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;{{.*}}%[[BYTES]]
// CHECK: cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [$0], [$1, {{{\$3, \$4, \$5, \$6}}}], [$2];
// CHECK: cp.async.bulk.tensor.4d{{.*}}%[[C64]], %{{.*}}, %{{.*}}, %{{.*}} :
// CHECK-NOT: cp.async.bulk.tensor
// CHECK: mbarrier.try_wait.parity.shared::cta.b64
// CHECK: "@$1 mbarrier.arrive.shared::cta.b64 _, [$0];", "r,b,~{memory}"
tile.kernel @bulk(%k: !tile.global<128xf16, bulk> {tile.arg = "k"}, %i: i32 {tile.arg = "q_len"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 3 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %keys = tile.pipe.create consumers 2 : !pipe
  tile.specialize
    role producer(%unit) units 1 single_thread {
      tile.pipe.acquire %keys[%i] : !pipe
      tile.copy %k[%c0, %c0, %c0] limit %n into %keys[%i] : !tile.global<128xf16, bulk>, !pipe
      tile.pipe.commit %keys[%i] : !pipe
    }
    role consumer(%unit) units 2 {
      %tile = tile.pipe.wait %keys[%i] : !pipe -> !tile.shared<128x128xf16, swizzle 128>
      tile.pipe.release %keys[%i] : !pipe
    }
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <64x80xf16, swizzle 128>, bulk>

// The last panel holds 16 of its 64 columns; the copy fills all of it.
// CHECK-LABEL: llvm.func @last_panel(
// CHECK-DAG: %[[BYTES:.*]] = arith.constant 16384 : i32
// CHECK-DAG: %[[C64:.*]] = arith.constant 64 : i32
// CHECK: mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;{{.*}}%[[BYTES]]
// CHECK: cp.async.bulk.tensor.4d
// CHECK: cp.async.bulk.tensor.4d{{.*}}%[[C64]], %{{.*}}, %{{.*}}, %{{.*}} :
// CHECK-NOT: cp.async.bulk.tensor
tile.kernel @last_panel(%k: !tile.global<72xf16, bulk> {tile.arg = "k"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 2 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %keys = tile.pipe.create consumers 1 : !pipe
  tile.specialize
    role producer(%unit) units 1 single_thread {
      tile.pipe.acquire %keys[%c0] : !pipe
      tile.copy %k[%c0, %c0, %c0] limit %n into %keys[%c0] : !tile.global<72xf16, bulk>, !pipe
      tile.pipe.commit %keys[%c0] : !pipe
    }
    role consumer(%unit) units 1 {
      %tile = tile.pipe.wait %keys[%c0] : !pipe -> !tile.shared<64x80xf16, swizzle 128>
      tile.pipe.release %keys[%c0] : !pipe
    }
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <64x128xf16, swizzle 128>, bulk>

// A ring of a cluster: each workgroup copies its 32 of the 64 rows to both, all of whose bytes it expects, and a stage
// is empty once the units of both have released it, by as many threads of each.
// CHECK-LABEL: llvm.func @cluster(
// CHECK-SAME: nvvm.cluster_dim = array<i32: 2, 1, 1>
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : i32
// CHECK-DAG: %[[C32:.*]] = arith.constant 32 : i32
// CHECK-DAG: %[[LAST:.*]] = arith.constant 127 : i32
// CHECK-DAG: %[[BYTES:.*]] = arith.constant 16384 : i32
// One unit empties the ring in each.
// CHECK: llvm.nvvm.mbarrier.init.shared
// CHECK: llvm.nvvm.mbarrier.init.shared"(%{{.*}}, %[[C2]])
// No workgroup reaches the other's barriers before these are made.
// CHECK: llvm.nvvm.fence.mbarrier_init.release.cluster
// CHECK-NEXT: llvm.nvvm.barrier.cluster.arrive.relaxed
// CHECK-NEXT: llvm.nvvm.barrier.cluster.wait
// CHECK-NOT: llvm.nvvm.barrier.cta.sync
// CHECK: mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;{{.*}}%[[BYTES]]
// CHECK: %[[RANK:.*]] = nvvm.read.ptx.sreg.cluster.ctarank
// CHECK: %[[FIRST:.*]] = arith.muli %[[RANK]], %[[C32]]
// CHECK: %[[ROW:.*]] = arith.addi %{{.*}}, %[[FIRST]]
// CHECK: complete_tx::bytes.multicast::cluster [$0], [$1, {{{\$3, \$4, \$5, \$6}}}], [$2], 3;{{.*}}%[[ROW]], %{{.*}}, %{{.*}} :
// CHECK: multicast::cluster
// CHECK-NOT: multicast::cluster
// CHECK: %[[THREAD:.*]] = arith.andi %{{.*}}, %[[LAST]] : i32
// CHECK: arith.cmpi ult, %[[THREAD]], %[[C2]]
// CHECK: mapa.shared::cluster.u32 there, $0, $2; @$1 mbarrier.arrive.shared::cluster.b64 _, [there];
tile.kernel @cluster(%k: !tile.global<128xf16, bulk> {tile.arg = "k"}, %i: i32 {tile.arg = "q_len"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 2 : i64, cluster = 2 : i64, grid = ["2"]} {
  %c0 = arith.constant 0 : i32
  %keys = tile.pipe.create consumers 1 {cluster_wide} : !pipe
  tile.specialize
    role producer(%unit) units 1 single_thread {
      tile.pipe.acquire %keys[%i] : !pipe
      tile.copy %k[%c0, %c0, %i] limit %n into %keys[%i] : !tile.global<128xf16, bulk>, !pipe
      tile.pipe.commit %keys[%i] : !pipe
    }
    role consumer(%unit) units 1 {
      %tile = tile.pipe.wait %keys[%i] : !pipe -> !tile.shared<64x128xf16, swizzle 128>
      tile.pipe.release %keys[%i] : !pipe
    }
  tile.return
}
