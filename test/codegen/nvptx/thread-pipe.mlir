// A cooperative pipe of copies beside threads is a full and an empty mbarrier a stage. Every thread arrives on full
// by its copies, each unit once on empty; a wait spins, because sm_80 has no wait that suspends.
// RUN: attn-opt %s --split-input-file --pass-pipeline="builtin.module(tile.kernel(tile-assign-shared{target=sm_80}),tile-to-nvvm{target=sm_80},canonicalize,cse)" | FileCheck %s

!pipe = !tile.pipe<2 x <64x64xf16, swizzle 128>, cooperative>

// CHECK-LABEL: llvm.func @ring(
// 128 threads fill a stage, four units empty it; a copy is of 16 bytes, or of none.
// CHECK-DAG: %[[THREADS:.*]] = arith.constant 128 : i32
// CHECK-DAG: %[[UNITS:.*]] = arith.constant 4 : i32
// CHECK-COUNT-2: llvm.nvvm.mbarrier.init.shared"(%{{.*}}, %[[THREADS]])
// CHECK-COUNT-2: llvm.nvvm.mbarrier.init.shared"(%{{.*}}, %[[UNITS]])
// CHECK: llvm.nvvm.barrier.cta.sync.aligned.all
// CHECK: mbarrier.test_wait.parity.shared::cta.b64
// CHECK: cp.async.cg.shared.global [$0], [$1], 16, $2;", "r,l,r,~{memory}"
// CHECK-COUNT-3: cp.async.cg.shared.global
// CHECK-NOT: cp.async.cg
// CHECK: cp.async.mbarrier.arrive.noinc.shared::cta.b64 [$0];
// CHECK: mbarrier.test_wait.parity.shared::cta.b64
// CHECK: "bar.warp.sync -1; @$1 mbarrier.arrive.shared::cta.b64 _, [$0];", "r,b,~{memory}"
// CHECK-NOT: commit_group
tile.kernel @ring(%k: !tile.global<64xf16, direct> {tile.arg = "k"}, %i: i32 {tile.arg = "q_len"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 4 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %keys = tile.pipe.create consumers 4 : !pipe
  tile.pipe.acquire %keys[%i] : !pipe
  tile.copy %k[%c0, %c0, %c0] limit %n into %keys[%i] : !tile.global<64xf16, direct>, !pipe
  tile.pipe.commit %keys[%i] : !pipe
  %tile = tile.pipe.wait %keys[%i] : !pipe -> !tile.shared<64x64xf16, swizzle 128>
  tile.pipe.release %keys[%i] : !pipe
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <16x64xf16, swizzle 128>, cooperative>

// Tensors of less alignment pass through registers; threads themselves arrive then.
// CHECK-LABEL: llvm.func @unaligned(
// CHECK-NOT: cp.async
// CHECK: llvm.load %{{.*}} {alignment = 2 : i64} : !llvm.ptr<1> -> vector<8xf16>
// CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xf16>, !llvm.ptr<3>
// CHECK: "mbarrier.arrive.shared::cta.b64 _, [$0];", "r,~{memory}"
tile.kernel @unaligned(%k: !tile.global<64xf16, direct> {tile.arg = "k"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 4 : i64, grid = ["1"], tile.align = 2 : i64} {
  %c0 = arith.constant 0 : i32
  %keys = tile.pipe.create consumers 4 : !pipe
  tile.copy %k[%c0, %c0, %c0] limit %n into %keys[%c0] : !tile.global<64xf16, direct>, !pipe
  tile.pipe.commit %keys[%c0] : !pipe
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <16x80xf16, swizzle 128>, cooperative>

// 72 of 80 columns are the tensor's, and 16 threads take a pass of rows, two pieces of a row at once: five passes
// over columns, the last of which reads its first piece alone.
// CHECK-LABEL: llvm.func @padded(
// CHECK-DAG: %[[COLS:.*]] = arith.constant 72 : i32
// CHECK-COUNT-4: cp.async.cg.shared.global
// CHECK: arith.cmpi slt, %{{.*}}, %[[COLS]]
// CHECK: cp.async.cg.shared.global
// CHECK-NOT: cp.async.cg
tile.kernel @padded(%k: !tile.global<72xf16, direct> {tile.arg = "k"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %keys = tile.pipe.create consumers 1 : !pipe
  tile.copy %k[%c0, %c0, %c0] limit %n into %keys[%c0] : !tile.global<72xf16, direct>, !pipe
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <16x64xf16, swizzle 128>, cooperative>

// 256 threads would bring 32 rows: those beyond the tile's 16 copy nothing, anywhere.
// CHECK-LABEL: llvm.func @few_rows(
// CHECK: "@$3 cp.async.cg.shared.global [$0], [$1], 16, $2;", "r,l,r,b,~{memory}"
// CHECK-NOT: cp.async.cg
tile.kernel @few_rows(%k: !tile.global<64xf16, direct> {tile.arg = "k"}, %n: i32 {tile.arg = "kv_len"}) attributes {units = 8 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %keys = tile.pipe.create consumers 8 : !pipe
  tile.copy %k[%c0, %c0, %c0] limit %n into %keys[%c0] : !tile.global<64xf16, direct>, !pipe
  tile.return
}
