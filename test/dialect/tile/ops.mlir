// Every op, type and attribute of the tile dialect survives printing and parsing, in custom and in
// generic form.
// RUN: attn-opt %s --verify-roundtrip | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s

// CHECK-LABEL: tile.kernel @units(
// CHECK-SAME: %{{.*}}: !tile.global<64xf16, bulk> {tile.arg = "q"}, %{{.*}}: !tile.global<1xf32, direct> {tile.arg = "lse"}, %{{.*}}: i32 {tile.arg = "q_len"}, %[[COUNTER:.*]]: !tile.counter {tile.arg = "workspace"}
// CHECK-SAME: attributes {grid = ["ceil_div(q_len, 128)", "q_heads", "batch"], units = 3 : i64}
tile.kernel @units(%q: !tile.global<64xf16, bulk> {tile.arg = "q"},
                   %lse: !tile.global<1xf32, direct> {tile.arg = "lse"},
                   %q_len: i32 {tile.arg = "q_len"},
                   %workspace: !tile.counter {tile.arg = "workspace"})
    attributes {units = 3 : i64, grid = ["ceil_div(q_len, 128)", "q_heads", "batch"]} {
  // CHECK: tile.program_id 0
  // CHECK: tile.program_id 2
  %x = tile.program_id 0
  %z = tile.program_id 2
  // CHECK: tile.specialize
  // CHECK-NEXT: role producer(%{{.*}}) units 1 registers 24 single_thread {
  // CHECK: tile.barrier
  // CHECK: tile.draw %[[COUNTER]] of %{{.*}}{{$}}
  // CHECK: role consumer(%[[UNIT:.*]]) units 2 {
  // CHECK: tile.named_barrier.sync %[[UNIT]] units 2
  // CHECK: tile.named_barrier.arrive %[[UNIT]] units 2
  // CHECK: tile.delay %{{.*}} at 7{{$}}
  // CHECK: tile.delay %{{.*}} at 8 use %[[UNIT]]
  tile.specialize
    role producer(%p) units 1 registers 24 single_thread {
      tile.barrier
      %next = tile.draw %workspace of %q_len : !tile.counter
    }
    role consumer(%unit) units 2 {
      tile.named_barrier.sync %unit units 2
      tile.named_barrier.arrive %unit units 2
      tile.delay %q_len at 7
      tile.delay %q_len at 8 use %unit
    }
  // CHECK: tile.return
  tile.return
}

!keys = !tile.pipe<2 x <128x64xf16, swizzle 128>, bulk>
!ring = !tile.pipe<1 x <32x64xf32, swizzle 0>, cooperative>

// CHECK-LABEL: tile.kernel @memory(
tile.kernel @memory(%k: !tile.global<64xf16, bulk> {tile.arg = "k"},
                    %v: !tile.global<64xf16, direct> {tile.arg = "v"},
                    %o: !tile.global<64xf16, direct> {tile.arg = "o"},
                    %n: i32 {tile.arg = "kv_len"})
    attributes {units = 2 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %yes = arith.constant true
  %half = arith.constant 0.5 : f16
  %p = tile.fill %half : f16 -> !tile.frag<64x64xf16, acc>
  // CHECK: %[[KEYS:.*]] = tile.pipe.create consumers 2 {barrier_offset = 65536 : i64, offset = 0 : i64} : <2 x <128x64xf16, swizzle 128>, bulk>
  %keys = tile.pipe.create consumers 2 {offset = 0 : i64, barrier_offset = 65536 : i64} : !keys
  // CHECK: %[[RING:.*]] = tile.pipe.create consumers 1 : <1 x <32x64xf32, swizzle 0>, cooperative>
  %ring = tile.pipe.create consumers 1 : !ring
  // A cooperative copy may widen.
  // CHECK: tile.copy {{.*}} into %[[RING]][%[[C0:.*]]] : <64xf16, direct>, <1 x <32x64xf32, swizzle 0>, cooperative>
  tile.copy %v[%c0, %c0, %c0] limit %n into %ring[%c0] : !tile.global<64xf16, direct>, !ring
  tile.specialize
    role producer(%unit) units 1 single_thread {
      // CHECK: tile.pipe.acquire %[[KEYS]][%[[C0]]] : <2 x
      tile.pipe.acquire %keys[%c0] : !keys
      // CHECK: tile.copy %{{.*}}[%[[C0]], %[[C0]], %[[C0]]] limit %{{.*}} into %[[KEYS]][%[[C0]]] : <64xf16, bulk>, <2 x <128x64xf16, swizzle 128>, bulk>
      tile.copy %k[%c0, %c0, %c0] limit %n into %keys[%c0] : !tile.global<64xf16, bulk>, !keys
      // CHECK: tile.copy %{{.*}}[%[[C0]], %[[C0]], %[[C0]]] limit %{{.*}} into %[[KEYS]][%[[C0]]] {heads = 4 : i64} : <64xf16, bulk>
      tile.copy %k[%c0, %c0, %c0] limit %n into %keys[%c0] {heads = 4 : i64} : !tile.global<64xf16, bulk>, !keys
      // CHECK: tile.pipe.commit %[[KEYS]][%[[C0]]]
      tile.pipe.commit %keys[%c0] : !keys
    }
    role consumer(%unit) units 1 {
      // CHECK: %[[TILE:.*]] = tile.pipe.wait %[[KEYS]][%[[C0]]] : <2 x <128x64xf16, swizzle 128>, bulk> -> <128x64xf16, swizzle 128>
      %tile = tile.pipe.wait %keys[%c0] : !keys -> !tile.shared<128x64xf16, swizzle 128>
      // CHECK: tile.slice %[[TILE]][%[[C0]]] : <128x64xf16, swizzle 128> to <64x64xf16, swizzle 128, panel 128>
      %slice = tile.slice %tile[%c0] : !tile.shared<128x64xf16, swizzle 128> to !tile.shared<64x64xf16, swizzle 128, panel 128>
      // CHECK: tile.pipe.release %[[KEYS]][%[[C0]]] : <2 x
      tile.pipe.release %keys[%c0] : !keys
      // CHECK: tile.pipe.release %[[KEYS]][%[[C0]]] when %{{.*}} : <2 x
      tile.pipe.release %keys[%c0] when %yes : !keys
    }
  // CHECK: %[[OWN:.*]] = tile.alloc : <64x64xf16, swizzle 64>
  %own = tile.alloc : !tile.shared<64x64xf16, swizzle 64>
  // CHECK: tile.alloc {offset = 1024 : i64} : <8x16xbf16, swizzle 32>
  %placed = tile.alloc {offset = 1024 : i64} : !tile.shared<8x16xbf16, swizzle 32>
  // CHECK: tile.put %{{.*}}, %[[OWN]] : <64x64xf16, acc>, <64x64xf16, swizzle 64>
  tile.put %p, %own : !tile.frag<64x64xf16, acc>, !tile.shared<64x64xf16, swizzle 64>
  // CHECK: tile.publish
  tile.publish
  // CHECK: tile.load %{{.*}}[%[[C0]], %[[C0]], %[[C0]]] limit %{{.*}} : <64xf16, direct> -> <64x64xf32, lhs>
  %wide = tile.load %v[%c0, %c0, %c0] limit %n : !tile.global<64xf16, direct> -> !tile.frag<64x64xf32, lhs>
  // CHECK: tile.store %{{.*}}, %{{.*}}[%[[C0]], %[[C0]], %[[C0]]] limit %{{.*}} : <64x64xf16, acc>, <64xf16, direct>
  tile.store %p, %o[%c0, %c0, %c0] limit %n : !tile.frag<64x64xf16, acc>, !tile.global<64xf16, direct>
  // CHECK: %[[PLACES:.*]] = tile.coord %{{.*}} dim 0 : <64xi32, row>
  %places = tile.coord %n dim 0 : !tile.frag<64xi32, row>
  // CHECK: tile.store %{{.*}}, %{{.*}}[%[[C0]], %[[C0]], %[[C0]]] limit %{{.*}} plus %[[PLACES]], %[[PLACES]] : !tile.frag<64xi32, row>, !tile.frag<64xi32, row> : <64x64xf16, acc>, <64xf16, direct>
  tile.store %p, %o[%c0, %c0, %c0] limit %n plus %places, %places : !tile.frag<64xi32, row>, !tile.frag<64xi32, row> : !tile.frag<64x64xf16, acc>, !tile.global<64xf16, direct>
  tile.return
}

!rows = !tile.frag<64xf32, row>
!parts = !tile.frag<64xf32, partial>
!scores = !tile.frag<64x128xf32, acc>
!left = !tile.frag<64x128xbf16, lhs>

// CHECK-LABEL: func @products(
func.func @products(%q: !tile.shared<64x64xbf16, swizzle 128>,
                    %k: !tile.shared<128x64xbf16, swizzle 128>,
                    %o: !tile.frag<64x64xf32, acc>, %n: i32, %yes: i1) {
  %zero = arith.constant 0.0 : f32
  // CHECK: %[[S:.*]] = tile.mma %{{.*}}, %{{.*}} {transpose_rhs} : !tile.shared<64x64xbf16, swizzle 128>, <128x64xbf16, swizzle 128> -> <<64x128xf32, acc>>
  %s0 = tile.mma %q, %k {transpose_rhs} : !tile.shared<64x64xbf16, swizzle 128>, !tile.shared<128x64xbf16, swizzle 128> -> !tile.pending<!scores>
  // CHECK: %[[USABLE:.*]] = tile.wait %[[S]] {in_flight = 1 : i64} : <<64x128xf32, acc>> -> <64x128xf32, acc>
  %s = tile.wait %s0 {in_flight = 1 : i64} : !tile.pending<!scores> -> !scores
  // CHECK: %[[P:.*]] = tile.cast %[[USABLE]] : <64x128xf32, acc> to <64x128xbf16, lhs>
  %p = tile.cast %s : !scores to !left
  // CHECK: %[[PENDING:.*]] = tile.mma %[[P]], %{{.*}} acc %{{.*}} : !tile.frag<64x64xf32, acc> : !tile.frag<64x128xbf16, lhs>, <128x64xbf16, swizzle 128> -> <<64x64xf32, acc>>
  %o0 = tile.mma %p, %k acc %o : !tile.frag<64x64xf32, acc> : !left, !tile.shared<128x64xbf16, swizzle 128> -> !tile.pending<!tile.frag<64x64xf32, acc>>
  // CHECK: tile.mma %[[P]], %{{.*}} acc %{{.*}} : !tile.frag<64x64xf32, acc> when %{{.*}} : !tile.frag<64x128xbf16, lhs>
  %o2 = tile.mma %p, %k acc %o : !tile.frag<64x64xf32, acc> when %yes : !left, !tile.shared<128x64xbf16, swizzle 128> -> !tile.pending<!tile.frag<64x64xf32, acc>>
  // CHECK: tile.wait %[[PENDING]] : <<64x64xf32, acc>> -> <64x64xf32, acc>
  %o1 = tile.wait %o0 : !tile.pending<!tile.frag<64x64xf32, acc>> -> !tile.frag<64x64xf32, acc>
  // CHECK: tile.fill %{{.*}} : f32 -> <64xf32, partial>
  %sum = tile.fill %zero : f32 -> !parts
  // CHECK: tile.coord %{{.*}} dim 1 : <64x128xi32, acc>
  %kv = tile.coord %n dim 1 : !tile.frag<64x128xi32, acc>
  // CHECK: %[[PART:.*]] = tile.reduce max %[[USABLE]] : <64x128xf32, acc> -> <64xf32, partial>
  %part = tile.reduce max %s : !scores -> !parts
  // CHECK: %[[ROW:.*]] = tile.combine max %[[PART]] : <64xf32, partial> -> <64xf32, row>
  %row = tile.combine max %part : !parts -> !rows
  // CHECK: tile.reduce add
  // CHECK: tile.combine add
  %part2 = tile.reduce add %s : !scores -> !parts
  %row2 = tile.combine add %part2 : !parts -> !rows
  // CHECK: tile.broadcast %[[ROW]] : <64xf32, row> -> <64x128xf32, acc>
  %wide = tile.broadcast %row : !rows -> !scores
  // CHECK: tile.spread %[[ROW]] : <64xf32, row> -> <64xf32, partial>
  %spread = tile.spread %row : !rows -> !parts
  // CHECK: tile.anchor %[[PART]] : <64xf32, partial>
  %truth = tile.anchor %part : !parts
  // CHECK: tile.map %[[USABLE]], %{{.*}} : (!tile.frag<64x128xf32, acc>, !tile.frag<64x128xi32, acc>) -> !tile.frag<64x128xf32, acc> {
  // CHECK-NEXT: ^bb0(%{{.*}}: f32, %{{.*}}: i32):
  // CHECK: tile.yield %{{.*}} : f32
  %m = tile.map %s, %kv : (!scores, !tile.frag<64x128xi32, acc>) -> !scores {
  ^bb0(%x: f32, %j: i32):
    %inside = arith.cmpi slt, %j, %n : i32
    %kept = arith.select %inside, %x, %zero : f32
    tile.yield %kept : f32
  }
  // A map without inputs is a constant.
  // CHECK: tile.map : () -> !tile.frag<64xf32, row> {
  %c = tile.map : () -> !rows {
    tile.yield %zero : f32
  }
  return
}

// CHECK-LABEL: tile.kernel @together(
// CHECK-SAME: cluster = 2 : i64
tile.kernel @together(%n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, cluster = 2 : i64, grid = ["2"]} {
  // CHECK: tile.cluster_rank
  %rank = tile.cluster_rank
  // CHECK: tile.pipe.create consumers 1 {cluster_wide} : <2 x <128x64xf16, swizzle 128>, bulk>
  %keys = tile.pipe.create consumers 1 {cluster_wide} : !keys
  tile.return
}

// CHECK-LABEL: tile.kernel @numbers(
tile.kernel @numbers(%n: i32 {tile.arg = "q_len"}) attributes {units = 2 : i64, grid = ["1"]} {
  // CHECK: %[[MAIL:.*]] = tile.mail.create consumers 1 : <4 x 2>
  %mail = tile.mail.create consumers 1 : !tile.mail<4 x 2>
  tile.specialize
    role producer(%unit) units 1 single_thread {
      // CHECK: tile.mail.post %[[MAIL]][%{{.*}}], %{{.*}}, %{{.*}} : <4 x 2>
      tile.mail.post %mail[%n], %n, %n : !tile.mail<4 x 2>
    }
    role consumer(%unit) units 1 {
      // CHECK: tile.mail.take %[[MAIL]][%{{.*}}] : <4 x 2> -> i32, i32
      %0:2 = tile.mail.take %mail[%n] : !tile.mail<4 x 2> -> i32, i32
      // CHECK: tile.mail.release %[[MAIL]][%{{.*}}] : <4 x 2>
      tile.mail.release %mail[%n] : !tile.mail<4 x 2>
    }
  tile.return
}
