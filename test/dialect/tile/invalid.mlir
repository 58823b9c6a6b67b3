// Every tile op that cannot be lowered right is refused by its verifier, with the reason.
// RUN: attn-opt %s --split-input-file --verify-diagnostics -o /dev/null

// expected-error @below {{'tile.kernel' op returns nothing; results are stored}}
"tile.kernel"() <{sym_name = "k", function_type = () -> i32, units = 1 : i64, grid = ["1"]}> ({
  tile.return
}) : () -> ()

// -----

// expected-error @below {{needs at least one unit}}
tile.kernel @units() attributes {units = 0 : i64, grid = ["1"]} {
  tile.return
}

// -----

// expected-error @below {{needs at least one unit}}
tile.kernel @negative_units() attributes {units = -1 : i64, grid = ["1"]} {
  tile.return
}

// -----

// expected-error @below {{grid has 1 to 3 rules, not 0}}
tile.kernel @no_grid() attributes {units = 1 : i64, grid = []} {
  tile.return
}

// -----

// expected-error @below {{grid has 1 to 3 rules, not 4}}
tile.kernel @grid() attributes {units = 1 : i64, grid = ["1", "1", "1", "1"]} {
  tile.return
}

// -----

// expected-error @below {{argument 1 has no 'tile.arg' name to bind it by}}
tile.kernel @unnamed(%a: i32 {tile.arg = "q_len"}, %b: i32) attributes {units = 1 : i64, grid = ["1"]} {
  tile.return
}

// -----

// expected-error @below {{argument 0 is a '!tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>'; allowed are tensors, a counter, i32, i64 and f32}}
tile.kernel @argument(%a: !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk> {tile.arg = "q"}) attributes {units = 1 : i64, grid = ["1"]} {
  tile.return
}

// -----

// expected-error @below {{needs a body}}
tile.kernel private @external() attributes {units = 1 : i64, grid = ["1"]}

// -----

func.func @return() {
  // expected-error @below {{'tile.return' op expects parent op 'tile.kernel'}}
  tile.return
}

// -----

func.func @program() {
  // expected-error @below {{attribute 'dim' failed to satisfy constraint}}
  %0 = tile.program_id 3
  return
}

// -----

tile.kernel @empty() attributes {units = 1 : i64, grid = ["1"]} {
  // expected-error @below {{needs a name, a count and a budget for each role}}
  tile.specialize
  tile.return
}

// -----

tile.kernel @count() attributes {units = 1 : i64, grid = ["1"]} {
  // expected-error @below {{a role has at least one unit}}
  tile.specialize
    role a(%u) units 0 { tile.barrier }
    role b(%u) units 1 { tile.barrier }
  tile.return
}

// -----

tile.kernel @budget() attributes {units = 1 : i64, grid = ["1"]} {
  // expected-error @below {{a register budget is a multiple of 8 from 24 to 256, not 25}}
  tile.specialize
    role a(%u) units 1 registers 25 { tile.barrier }
  tile.return
}

// -----

tile.kernel @large() attributes {units = 1 : i64, grid = ["1"]} {
  // expected-error @below {{a register budget is a multiple of 8 from 24 to 256, not 264}}
  tile.specialize
    role a(%u) units 1 registers 264 { tile.barrier }
  tile.return
}

// -----

tile.kernel @sum() attributes {units = 4 : i64, grid = ["1"]} {
  // expected-error @below {{roles take 3 units, the kernel has 4}}
  tile.specialize
    role a(%u) units 1 { tile.barrier }
    role b(%u) units 2 { tile.barrier }
  tile.return
}

// -----

func.func @slice(%t: !tile.shared<128x64xf16, swizzle 128>, %r: i32) {
  // expected-error @below {{a slice takes rows, by eights, and keeps columns, elements, swizzle and panel of '!tile.shared<128x64xf16, swizzle 128>'}}
  %0 = tile.slice %t[%r] : !tile.shared<128x64xf16, swizzle 128> to !tile.shared<64x64xf16, swizzle 128>
  return
}

// -----

func.func @slice_rows(%t: !tile.shared<128x64xf16, swizzle 128>, %r: i32) {
  // expected-error @below {{a slice takes rows, by eights}}
  %0 = tile.slice %t[%r] : !tile.shared<128x64xf16, swizzle 128> to !tile.shared<12x64xf16, swizzle 128, panel 128>
  return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
func.func @pipe_wait(%p: !pipe, %i: i32) {
  // expected-error @below {{gives the pipe's stage, '!tile.shared<64x64xf16, swizzle 128>', not '!tile.shared<32x64xf16, swizzle 128>'}}
  %0 = tile.pipe.wait %p[%i] : !pipe -> !tile.shared<32x64xf16, swizzle 128>
  return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
func.func @copy_columns(%g: !tile.global<96xf16, bulk>, %p: !pipe, %i: i32) {
  // expected-error @below {{copies rows of 96 columns into rows of 64}}
  tile.copy %g[%i, %i, %i] limit %i into %p[%i] : !tile.global<96xf16, bulk>, !pipe
  return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
func.func @copy_access(%g: !tile.global<64xf16, direct>, %p: !pipe, %i: i32) {
  // expected-error @below {{a bulk pipe is filled from a bulk tensor, a cooperative one from a direct tensor}}
  tile.copy %g[%i, %i, %i] limit %i into %p[%i] : !tile.global<64xf16, direct>, !pipe
  return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf32, swizzle 128>, bulk>
func.func @copy_bulk_converts(%g: !tile.global<64xf16, bulk>, %p: !pipe, %i: i32) {
  // expected-error @below {{cannot convert 'f16' to 'f32'}}
  tile.copy %g[%i, %i, %i] limit %i into %p[%i] : !tile.global<64xf16, bulk>, !pipe
  return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 0>, cooperative>
func.func @copy_narrows(%g: !tile.global<64xf32, direct>, %p: !pipe, %i: i32) {
  // expected-error @below {{cannot convert 'f32' to 'f16'}}
  tile.copy %g[%i, %i, %i] limit %i into %p[%i] : !tile.global<64xf32, direct>, !pipe
  return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
func.func @copy_heads(%g: !tile.global<64xf16, bulk>, %p: !pipe, %i: i32) {
  // expected-error @below {{heads: 3 given, allowed: divisors of the slot's 64 rows}}
  tile.copy %g[%i, %i, %i] limit %i into %p[%i] {heads = 3 : i64} : !tile.global<64xf16, bulk>, !pipe
  return
}

// -----

// Only a copy engine takes several heads at once.
!pipe = !tile.pipe<1 x <64x64xf16, swizzle 0>, cooperative>
func.func @copy_heads_together(%g: !tile.global<64xf16, direct>, %p: !pipe, %i: i32) {
  // expected-error @below {{heads: 2 given, allowed: 1 in a cooperative pipe}}
  tile.copy %g[%i, %i, %i] limit %i into %p[%i] {heads = 2 : i64} : !tile.global<64xf16, direct>, !pipe
  return
}

// -----

func.func @load_layout(%g: !tile.global<64xf16, direct>, %i: i32) {
  // expected-error @below {{loads a left operand; others come through a pipe}}
  %0 = tile.load %g[%i, %i, %i] limit %i : !tile.global<64xf16, direct> -> !tile.frag<16x64xf16, acc>
  return
}

// -----

func.func @load_bulk(%g: !tile.global<64xf16, bulk>, %i: i32) {
  // expected-error @below {{reaches a tensor directly, not in bulk}}
  %0 = tile.load %g[%i, %i, %i] limit %i : !tile.global<64xf16, bulk> -> !tile.frag<16x64xf16, lhs>
  return
}

// -----

func.func @load_columns(%g: !tile.global<64xf16, direct>, %i: i32) {
  // expected-error @below {{rows of 64 columns against a fragment of 32}}
  %0 = tile.load %g[%i, %i, %i] limit %i : !tile.global<64xf16, direct> -> !tile.frag<16x32xf16, lhs>
  return
}

// -----

func.func @load_elements(%g: !tile.global<64xf16, direct>, %i: i32) {
  // expected-error @below {{elements of 'f16' against a fragment of 'bf16'}}
  %0 = tile.load %g[%i, %i, %i] limit %i : !tile.global<64xf16, direct> -> !tile.frag<16x64xbf16, lhs>
  return
}

// -----

func.func @store_layout(%f: !tile.frag<16x64xf16, lhs>, %g: !tile.global<64xf16, direct>, %i: i32) {
  // expected-error @below {{stores an acc or row fragment, not lhs}}
  tile.store %f, %g[%i, %i, %i] limit %i : !tile.frag<16x64xf16, lhs>, !tile.global<64xf16, direct>
  return
}

// -----

// The text has both or none; an op that was built may not.
func.func @store_head(%f: !tile.frag<16x64xf16, acc>, %g: !tile.global<64xf16, direct>, %i: i32, %heads: !tile.frag<16xi32, row>) {
  // expected-error @below {{plus: heads and rows, or neither}}
  "tile.store"(%f, %g, %i, %i, %i, %i, %heads) <{operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 1, 0>}> : (!tile.frag<16x64xf16, acc>, !tile.global<64xf16, direct>, i32, i32, i32, i32, !tile.frag<16xi32, row>) -> ()
  return
}

// -----

func.func @store_places(%f: !tile.frag<16x64xf16, acc>, %g: !tile.global<64xf16, direct>, %i: i32, %rows: !tile.frag<8xi32, row>) {
  // expected-error @below {{plus: '!tile.frag<8xi32, row>' given, allowed: '!tile.frag<16xi32, row>'}}
  tile.store %f, %g[%i, %i, %i] limit %i plus %rows, %rows : !tile.frag<8xi32, row>, !tile.frag<8xi32, row> : !tile.frag<16x64xf16, acc>, !tile.global<64xf16, direct>
  return
}

// -----

// A store does not convert.
func.func @store_elements(%f: !tile.frag<16x64xf32, acc>, %g: !tile.global<64xf16, direct>, %i: i32) {
  // expected-error @below {{elements of 'f16' against a fragment of 'f32'}}
  tile.store %f, %g[%i, %i, %i] limit %i : !tile.frag<16x64xf32, acc>, !tile.global<64xf16, direct>
  return
}

// -----

func.func @store_row(%f: !tile.frag<16xf32, row>, %g: !tile.global<64xf32, direct>, %i: i32) {
  // expected-error @below {{rows of 64 columns against a fragment of 1}}
  tile.store %f, %g[%i, %i, %i] limit %i : !tile.frag<16xf32, row>, !tile.global<64xf32, direct>
  return
}

// -----

func.func @put(%f: !tile.frag<64x64xf16, acc>, %t: !tile.shared<64x32xf16, swizzle 64>) {
  // expected-error @below {{puts '!tile.frag<64x64xf16, acc>' into a tile of another shape, '!tile.shared<64x32xf16, swizzle 64>'}}
  tile.put %f, %t : !tile.frag<64x64xf16, acc>, !tile.shared<64x32xf16, swizzle 64>
  return
}

// -----

func.func @mma_layout(%a: !tile.frag<64x64xf16, acc>, %b: !tile.shared<64x64xf16, swizzle 128>) {
  // expected-error @below {{the left operand has layout lhs, not acc}}
  %0 = tile.mma %a, %b : !tile.frag<64x64xf16, acc>, !tile.shared<64x64xf16, swizzle 128> -> !tile.pending<<64x64xf32, acc>>
  return
}

// -----

func.func @mma_contracts(%a: !tile.frag<64x64xf16, lhs>, %b: !tile.shared<32x64xf16, swizzle 128>) {
  // expected-error @below {{contracts 64 columns with 32}}
  %0 = tile.mma %a, %b : !tile.frag<64x64xf16, lhs>, !tile.shared<32x64xf16, swizzle 128> -> !tile.pending<<64x64xf32, acc>>
  return
}

// -----

func.func @mma_result(%a: !tile.shared<64x64xf16, swizzle 128>, %b: !tile.shared<32x64xf16, swizzle 128>) {
  // expected-error @below {{gives an acc fragment of 64x32, not '!tile.frag<64x64xf32, acc>'}}
  %0 = tile.mma %a, %b {transpose_rhs} : !tile.shared<64x64xf16, swizzle 128>, !tile.shared<32x64xf16, swizzle 128> -> !tile.pending<<64x64xf32, acc>>
  return
}

// -----

func.func @mma_rounds(%a: !tile.frag<64x64xbf16, lhs>, %b: !tile.shared<64x64xbf16, swizzle 128>) {
  // expected-error @below {{rounds to TF32 what is f32, not 'bf16'}}
  %0 = tile.mma %a, %b {tf32} : !tile.frag<64x64xbf16, lhs>, !tile.shared<64x64xbf16, swizzle 128> -> !tile.pending<<64x64xf32, acc>>
  return
}

// -----

func.func @mma_elements(%a: !tile.frag<64x64xbf16, lhs>, %b: !tile.shared<64x64xf16, swizzle 128>) {
  // expected-error @below {{multiplies 'bf16' by 'f16'}}
  %0 = tile.mma %a, %b : !tile.frag<64x64xbf16, lhs>, !tile.shared<64x64xf16, swizzle 128> -> !tile.pending<<64x64xf32, acc>>
  return
}

// -----

func.func @mma_acc(%a: !tile.frag<64x64xf16, lhs>, %b: !tile.shared<64x64xf16, swizzle 128>, %c: !tile.frag<64x32xf32, acc>) {
  // expected-error @below {{accumulates '!tile.frag<64x32xf32, acc>' into '!tile.frag<64x64xf32, acc>'}}
  %0 = tile.mma %a, %b acc %c : !tile.frag<64x32xf32, acc> : !tile.frag<64x64xf16, lhs>, !tile.shared<64x64xf16, swizzle 128> -> !tile.pending<<64x64xf32, acc>>
  return
}

// -----

func.func @wait(%p: !tile.pending<<64x64xf32, acc>>) {
  // expected-error @below {{gives the awaited fragment, '!tile.frag<64x64xf32, acc>'}}
  %0 = tile.wait %p : !tile.pending<<64x64xf32, acc>> -> !tile.frag<64x32xf32, acc>
  return
}

// -----

func.func @in_flight(%p: !tile.pending<<64x64xf32, acc>>) {
  // expected-error @below {{in_flight is at least 0, not -1}}
  %0 = tile.wait %p {in_flight = -1 : i64} : !tile.pending<<64x64xf32, acc>> -> !tile.frag<64x64xf32, acc>
  return
}

// -----

// An early read cannot be written down.
func.func @early(%p: !tile.pending<<64x64xf32, acc>>) {
  // expected-error @below {{invalid kind of type specified}}
  %0 = tile.reduce max %p : !tile.pending<<64x64xf32, acc>> -> !tile.frag<64xf32, partial>
  return
}

// -----

func.func @fill(%x: f16) {
  // expected-error @below {{fills '!tile.frag<64xf32, row>' with a 'f16'}}
  %0 = tile.fill %x : f16 -> !tile.frag<64xf32, row>
  return
}

// -----

func.func @coord(%x: i32) {
  // expected-error @below {{coordinates are an i32 acc matrix, or a row fragment of row numbers, not '!tile.frag<64x64xf32, acc>'}}
  %0 = tile.coord %x dim 0 : !tile.frag<64x64xf32, acc>
  return
}

// -----

func.func @coord_dim(%x: i32) {
  // expected-error @below {{attribute 'dim' failed to satisfy constraint}}
  %0 = tile.coord %x dim 2 : !tile.frag<64x64xi32, acc>
  return
}

// -----

func.func @broadcast(%x: !tile.frag<32xf32, row>) {
  // expected-error @below {{spreads a row fragment over its columns; '!tile.frag<32xf32, row>' does not fit '!tile.frag<64x64xf32, acc>'}}
  %0 = tile.broadcast %x : !tile.frag<32xf32, row> -> !tile.frag<64x64xf32, acc>
  return
}

// -----

func.func @spread(%x: !tile.frag<64xf32, partial>) {
  // expected-error @below {{spreads a row fragment over its lanes, not '!tile.frag<64xf32, partial>' to '!tile.frag<64xf32, partial>'}}
  %0 = tile.spread %x : !tile.frag<64xf32, partial> -> !tile.frag<64xf32, partial>
  return
}

// -----

func.func @map_arguments(%x: !tile.frag<64xf32, row>) {
  // expected-error @below {{has 1 inputs and a body of 2 arguments}}
  %0 = tile.map %x : (!tile.frag<64xf32, row>) -> !tile.frag<64xf32, row> {
  ^bb0(%a: f32, %b: f32):
    tile.yield %a : f32
  }
  return
}

// -----

func.func @map_shape(%x: !tile.frag<64xf32, row>, %y: !tile.frag<64xf32, partial>) {
  // expected-error @below {{input '!tile.frag<64xf32, partial>' has not the shape and layout of '!tile.frag<64xf32, row>'}}
  %0 = tile.map %x, %y : (!tile.frag<64xf32, row>, !tile.frag<64xf32, partial>) -> !tile.frag<64xf32, row> {
  ^bb0(%a: f32, %b: f32):
    tile.yield %a : f32
  }
  return
}

// -----

func.func @map_element(%x: !tile.frag<64xf32, row>) {
  // expected-error @below {{body takes 'i32' for elements of '!tile.frag<64xf32, row>'}}
  %0 = tile.map %x : (!tile.frag<64xf32, row>) -> !tile.frag<64xf32, row> {
  ^bb0(%a: i32):
    %b = arith.sitofp %a : i32 to f32
    tile.yield %b : f32
  }
  return
}

// -----

func.func @map_body(%x: !tile.frag<64xf32, row>) {
  %0 = tile.map %x : (!tile.frag<64xf32, row>) -> !tile.frag<64xf32, row> {
  ^bb0(%a: f32):
    // expected-error @below {{'tile.unit_id' op is not elementwise, so it cannot stand in tile.map}}
    %u = tile.unit_id
    tile.yield %a : f32
  }
  return
}

// -----

func.func @map_yield(%x: !tile.frag<64xf32, row>) {
  // expected-error @below {{body must yield a 'f32'}}
  %0 = tile.map %x : (!tile.frag<64xf32, row>) -> !tile.frag<64xf32, row> {
  ^bb0(%a: f32):
    tile.yield
  }
  return
}

// -----

func.func @reduce(%x: !tile.frag<64x64xf32, acc>) {
  // expected-error @below {{reduces an acc fragment to a partial of its rows, not '!tile.frag<64x64xf32, acc>' to '!tile.frag<64xf32, row>'}}
  %0 = tile.reduce max %x : !tile.frag<64x64xf32, acc> -> !tile.frag<64xf32, row>
  return
}

// -----

func.func @reduce_kind(%x: !tile.frag<64x64xf32, acc>) {
  // expected-error @below {{expected ::attn_jit::tile::ReduceKind to be one of: max, add}}
  // expected-error @below {{failed to parse}}
  %0 = tile.reduce min %x : !tile.frag<64x64xf32, acc> -> !tile.frag<64xf32, partial>
  return
}

// -----

func.func @combine(%x: !tile.frag<64xf32, row>) {
  // expected-error @below {{combines a partial to a row, not '!tile.frag<64xf32, row>' to '!tile.frag<64xf32, row>'}}
  %0 = tile.combine max %x : !tile.frag<64xf32, row> -> !tile.frag<64xf32, row>
  return
}

// -----

func.func @cast_shape(%x: !tile.frag<64x64xf32, acc>) {
  // expected-error @below {{keeps the shape of '!tile.frag<64x64xf32, acc>'}}
  %0 = tile.cast %x : !tile.frag<64x64xf32, acc> to !tile.frag<64x32xf16, acc>
  return
}

// -----

func.func @cast_layout(%x: !tile.frag<64x64xf16, lhs>) {
  // expected-error @below {{the only change of layout is acc to lhs, not lhs to acc}}
  %0 = tile.cast %x : !tile.frag<64x64xf16, lhs> to !tile.frag<64x64xf16, acc>
  return
}

// -----

func.func @barrier_units(%x: i32) {
  // expected-error @below {{attribute 'units' failed to satisfy constraint}}
  tile.named_barrier.sync %x units 0
  return
}

// -----

func.func @specialize_parent() {
  // expected-error @below {{'tile.specialize' op expects parent op 'tile.kernel'}}
  tile.specialize
    role a(%u) units 1 { tile.barrier }
  return
}

// -----

// Branches between blocks would be lowered by no target.
// expected-error @below {{'tile.kernel' op body has 3 blocks, allowed: 1 (branches and loops are scf ops)}}
tile.kernel @blocks(%n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %c0 = arith.constant 0 : i32
  %none = arith.cmpi eq, %n, %c0 : i32
  cf.cond_br %none, ^end, ^work
^work:
  tile.return
^end:
  tile.return
}

// -----

tile.kernel @small_budget() attributes {units = 1 : i64, grid = ["1"]} {
  // expected-error @below {{a register budget is a multiple of 8 from 24 to 256, not 8}}
  tile.specialize
    role a(%unit) units 1 registers 8 { tile.barrier }
  tile.return
}

// -----

tile.kernel @meeting(%id: i32 {tile.arg = "q_len"}) attributes {units = 2 : i64, grid = ["1"]} {
  // expected-error @below {{'tile.named_barrier.sync' op waits for 3 units, the kernel has 2}}
  tile.named_barrier.sync %id units 3
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
tile.kernel @bulk_create() attributes {units = 1 : i64, grid = ["1"]} {
  tile.specialize
    role a(%unit) units 1 {
      // expected-error @below {{'tile.pipe.create' op in a role, allowed: before the roles, which find its barriers ready}}
      %p = tile.pipe.create consumers 1 : !pipe
    }
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
tile.kernel @bulk_acquire(%i: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %p = tile.pipe.create consumers 1 : !pipe
  // expected-error @below {{'tile.pipe.acquire' op fills a bulk pipe, allowed: in a single_thread role}}
  tile.pipe.acquire %p[%i] : !pipe
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
tile.kernel @bulk_copy(%k: !tile.global<64xf16, bulk> {tile.arg = "k"}, %i: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %p = tile.pipe.create consumers 1 : !pipe
  tile.specialize
    role a(%unit) units 1 {
      // expected-error @below {{'tile.copy' op fills a bulk pipe, allowed: in a single_thread role}}
      tile.copy %k[%i, %i, %i] limit %i into %p[%i] : !tile.global<64xf16, bulk>, !pipe
    }
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
tile.kernel @bulk_limit(%k: !tile.global<64xf16, bulk> {tile.arg = "k"}, %i: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %p = tile.pipe.create consumers 1 : !pipe
  tile.specialize
    role a(%unit) units 1 single_thread {
      // expected-error @below {{'tile.copy' op is bulk and ends where its tensor does, limit allowed: the argument 'kv_len'}}
      tile.copy %k[%i, %i, %i] limit %i into %p[%i] : !tile.global<64xf16, bulk>, !pipe
    }
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
tile.kernel @bulk_wait(%i: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %p = tile.pipe.create consumers 1 : !pipe
  // expected-error @below {{'tile.pipe.wait' op reads a bulk pipe, allowed: in a role, which finds its barriers ready}}
  %t = tile.pipe.wait %p[%i] : !pipe -> !tile.shared<64x64xf16, swizzle 128>
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
tile.kernel @bulk_release(%i: i32 {tile.arg = "kv_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %p = tile.pipe.create consumers 1 : !pipe
  tile.specialize
    role a(%unit) units 1 single_thread {
      // expected-error @below {{'tile.pipe.release' op empties a bulk pipe, allowed: in a role of whole units, each of which releases once}}
      tile.pipe.release %p[%i] : !pipe
    }
  tile.return
}

// -----

// Scalars beside the fragments are arithmetic of the same list.
tile.kernel @scalar_op(%x: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["1"]} {
  // expected-error @below {{'math.sin' op cannot stand in a kernel, allowed of math: absf,}}
  %y = math.sin %x : f32
  tile.return
}

// -----

tile.kernel @scalar_type(%x: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["1"]} {
  // expected-error @below {{'arith.extf' op is of 'f64' in a kernel, allowed: f32, f16, bf16, i32, i64, i1, index}}
  %y = arith.extf %x : f32 to f64
  tile.return
}

// -----

tile.kernel @scalar_math(%x: f32 {tile.arg = "scale"}) attributes {units = 1 : i64, grid = ["1"]} {
  %h = arith.truncf %x : f32 to f16
  // expected-error @below {{'math.exp2' op is of 'f16' in a kernel, allowed: f32, i32}}
  %y = math.exp2 %h : f16
  tile.return
}

// -----

func.func @map_op(%x: !tile.frag<64xf32, row>) {
  %0 = tile.map %x : (!tile.frag<64xf32, row>) -> !tile.frag<64xf32, row> {
  ^bb0(%a: f32):
    // expected-error @below {{'math.erf' op cannot stand in tile.map, allowed of math: absf,}}
    %b = math.erf %a : f32
    tile.yield %b : f32
  }
  return
}

// -----

func.func @map_type(%x: !tile.frag<64xf16, row>) {
  %0 = tile.map %x : (!tile.frag<64xf16, row>) -> !tile.frag<64xf16, row> {
  ^bb0(%a: f16):
    // expected-error @below {{'arith.addf' op is of 'f16' in tile.map, allowed: f32, i32, i1}}
    %b = arith.addf %a, %a : f16
    tile.yield %b : f16
  }
  return
}

// -----

func.func @alloc_panel() {
  // expected-error @below {{'tile.alloc' op of 64 rows has panels of as many rows, not 128}}
  %0 = tile.alloc : !tile.shared<64x128xf16, swizzle 128, panel 128>
  return
}

// -----

func.func @coord_row_columns(%x: i32) {
  // expected-error @below {{coordinates are an i32 acc matrix, or a row fragment of row numbers, not '!tile.frag<64xi32, row>'}}
  %0 = tile.coord %x dim 1 : !tile.frag<64xi32, row>
  return
}

// -----

func.func @coord_lhs(%x: i32) {
  // expected-error @below {{coordinates are an i32 acc matrix, or a row fragment of row numbers, not '!tile.frag<64x64xi32, lhs>'}}
  %0 = tile.coord %x dim 0 : !tile.frag<64x64xi32, lhs>
  return
}

// -----

func.func @reduce_elements(%x: !tile.frag<64x64xi32, acc>) {
  // expected-error @below {{'tile.reduce' op elements of 'i32' given, allowed: f32}}
  %0 = tile.reduce max %x : !tile.frag<64x64xi32, acc> -> !tile.frag<64xi32, partial>
  return
}

// -----

func.func @combine_elements(%x: !tile.frag<64xf16, partial>) {
  // expected-error @below {{'tile.combine' op elements of 'f16' given, allowed: f32}}
  %0 = tile.combine max %x : !tile.frag<64xf16, partial> -> !tile.frag<64xf16, row>
  return
}

// -----

func.func @anchor_elements(%x: !tile.frag<64xi32, row>) {
  // expected-error @below {{'tile.anchor' op elements of 'i32' given, allowed: f32}}
  %0 = tile.anchor %x : !tile.frag<64xi32, row>
  return
}

// -----

func.func @anchor_matrix(%x: !tile.frag<64x64xf32, acc>) {
  // expected-error @below {{'tile.anchor' op is computed from a row or partial fragment, not '!tile.frag<64x64xf32, acc>'}}
  %0 = tile.anchor %x : !tile.frag<64x64xf32, acc>
  return
}

// -----

func.func @cast_elements(%x: !tile.frag<64x64xi32, acc>) {
  // expected-error @below {{'tile.cast' op elements of 'i32' given, allowed: f32, f16, bf16}}
  %0 = tile.cast %x : !tile.frag<64x64xi32, acc> to !tile.frag<64x64xf16, acc>
  return
}

// -----

func.func @slice_row(%s: !tile.shared<64x64xf16, swizzle 128>) {
  %row = arith.constant 12 : i32
  // expected-error @below {{'tile.slice' op row: 12 given, allowed: multiples of 8 up to 32}}
  %0 = tile.slice %s[%row] : !tile.shared<64x64xf16, swizzle 128> to !tile.shared<32x64xf16, swizzle 128, panel 64>
  return
}

// -----

func.func @slice_past(%s: !tile.shared<64x64xf16, swizzle 128>) {
  %row = arith.constant 40 : i32
  // expected-error @below {{'tile.slice' op row: 40 given, allowed: multiples of 8 up to 32}}
  %0 = tile.slice %s[%row] : !tile.shared<64x64xf16, swizzle 128> to !tile.shared<32x64xf16, swizzle 128, panel 64>
  return
}

// -----

func.func @divided(%x: !tile.frag<64xi32, row>) {
  %0 = tile.map %x : (!tile.frag<64xi32, row>) -> !tile.frag<64xi32, row> {
  ^bb0(%i: i32):
    %zero = arith.constant 0 : i32
    // expected-error @below {{'arith.remui' op divisor: 0 given, allowed: a constant other than 0}}
    %r = arith.remui %i, %zero : i32
    tile.yield %r : i32
  }
  return
}

// -----

tile.kernel @divided_scalar(%n: i32 {tile.arg = "q_len"}, %group: i32 {tile.arg = "heads_per_kv"}) attributes {units = 1 : i64, grid = ["1"]} {
  %some = arith.divui %n, %group : i32
  %c1 = arith.constant 1 : i32
  %least = arith.maxsi %n, %c1 : i32
  %other = arith.divui %n, %least : i32
  // expected-error @below {{'arith.divsi' op divisor: no constant given, allowed: a constant other than 0 and -1, the argument q_heads, heads_per_kv or workgroups, or an arith.maxsi with a constant above 0}}
  %more = arith.divsi %group, %n : i32
  tile.return
}

// -----

func.func @counts_nothing(%q: !tile.shared<64x64xf16, swizzle 128>, %k: !tile.shared<64x64xf16, swizzle 128>, %yes: i1) {
  // expected-error @below {{'tile.mma' op has no accumulator that could count}}
  %s = tile.mma %q, %k when %yes {transpose_rhs} : !tile.shared<64x64xf16, swizzle 128>, !tile.shared<64x64xf16, swizzle 128> -> !tile.pending<<64x64xf32, acc>>
  return
}

// -----

// expected-error @below {{mail has 1 to 16 stages of 1 to 16 numbers, not 4 of 17}}
func.func private @mail_numbers(!tile.mail<4 x 17>)

// -----

tile.kernel @mail_roles(%n: i32 {tile.arg = "q_len"}) attributes {units = 2 : i64, grid = ["1"]} {
  %mail = tile.mail.create consumers 1 : !tile.mail<4 x 2>
  tile.specialize
    role producer(%unit) units 1 single_thread {
      // expected-error @below {{'tile.mail.take' op is for whole units, allowed: in a role of these}}
      %0:2 = tile.mail.take %mail[%n] : !tile.mail<4 x 2> -> i32, i32
    }
    role consumer(%unit) units 1 {
    }
  tile.return
}

// -----

tile.kernel @mail_post(%n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, grid = ["1"]} {
  %mail = tile.mail.create consumers 1 : !tile.mail<4 x 2>
  tile.specialize
    role consumer(%unit) units 1 {
      // expected-error @below {{'tile.mail.post' op tells numbers, allowed: in a single_thread role}}
      tile.mail.post %mail[%n], %n, %n : !tile.mail<4 x 2>
    }
  tile.return
}

// -----

tile.kernel @mail_late() attributes {units = 1 : i64, grid = ["1"]} {
  tile.specialize
    role consumer(%unit) units 1 {
      // expected-error @below {{'tile.mail.create' op in a role, allowed: before the roles, which find its barriers ready}}
      %mail = tile.mail.create consumers 1 : !tile.mail<4 x 2>
    }
  tile.return
}

// -----

func.func @mail_few(%mail: !tile.mail<4 x 2>, %n: i32) {
  // expected-error @below {{'tile.mail.post' op has 1 numbers, '!tile.mail<4 x 2>' holds 2}}
  tile.mail.post %mail[%n], %n : !tile.mail<4 x 2>
  return
}

// -----

func.func @mail_many(%mail: !tile.mail<4 x 2>, %n: i32) {
  // expected-error @below {{'tile.mail.take' op has 3 numbers, '!tile.mail<4 x 2>' holds 2}}
  %0:3 = tile.mail.take %mail[%n] : !tile.mail<4 x 2> -> i32, i32, i32
  return
}

// -----

func.func @rescale_rows(%x: !tile.frag<64x64xf32, acc>, %f: !tile.frag<32xf32, row>) {
  // expected-error @below {{'tile.rescale' op multiplies the rows of a matrix by a row fragment, not '!tile.frag<64x64xf32, acc>' by '!tile.frag<32xf32, row>'}}
  %0 = tile.rescale %x by %f : !tile.frag<64x64xf32, acc>, !tile.frag<32xf32, row>
  return
}

// -----

func.func @rescale_elements(%x: !tile.frag<64x64xi32, acc>, %f: !tile.frag<64xi32, row>) {
  // expected-error @below {{'tile.rescale' op elements of 'i32' given, allowed: f32}}
  %0 = tile.rescale %x by %f : !tile.frag<64x64xi32, acc>, !tile.frag<64xi32, row>
  return
}

// -----

// expected-error @below {{'tile.kernel' op cluster: 1 given, allowed: at least 2 workgroups}}
tile.kernel @cluster_of_one() attributes {units = 1 : i64, cluster = 1 : i64, grid = ["1"]} {
  tile.return
}

// -----

tile.kernel @rank_of_none() attributes {units = 1 : i64, grid = ["1"]} {
  // expected-error @below {{'tile.cluster_rank' op asks for a cluster, allowed: in a kernel with one}}
  %rank = tile.cluster_rank
  tile.return
}

// -----

tile.kernel @shared_by_none() attributes {units = 1 : i64, grid = ["1"]} {
  // expected-error @below {{'tile.pipe.create' op asks for a cluster, allowed: in a kernel with one}}
  %p = tile.pipe.create consumers 1 {cluster_wide} : !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
  tile.return
}

// -----

tile.kernel @shared_copies() attributes {units = 1 : i64, cluster = 2 : i64, grid = ["2"]} {
  // expected-error @below {{'tile.pipe.create' op is cluster_wide, allowed: bulk pipes}}
  %p = tile.pipe.create consumers 1 {cluster_wide} : !tile.pipe<1 x <64x64xf16, swizzle 0>, cooperative>
  tile.return
}

// -----

// Each workgroup copies whole swizzle atoms.
tile.kernel @shared_rows() attributes {units = 1 : i64, cluster = 2 : i64, grid = ["2"]} {
  // expected-error @below {{'tile.pipe.create' op is cluster_wide and of 24 rows, allowed in a cluster of 2: multiples of 16}}
  %p = tile.pipe.create consumers 1 {cluster_wide} : !tile.pipe<1 x <24x64xf16, swizzle 128>, bulk>
  tile.return
}

// -----

!pipe = !tile.pipe<1 x <64x64xf16, swizzle 128>, bulk>
tile.kernel @shared_heads(%q: !tile.global<64xf16, bulk> {tile.arg = "q"}, %n: i32 {tile.arg = "q_len"}) attributes {units = 1 : i64, cluster = 2 : i64, grid = ["2"]} {
  %c0 = arith.constant 0 : i32
  %p = tile.pipe.create consumers 1 {cluster_wide} : !pipe
  tile.specialize
    role producer(%unit) units 1 single_thread {
      // expected-error @below {{'tile.copy' op heads: 2 given, allowed into a cluster_wide pipe: 1}}
      tile.copy %q[%c0, %c0, %c0] limit %n into %p[%c0] {heads = 2 : i64} : !tile.global<64xf16, bulk>, !pipe
    }
  tile.return
}

// -----

tile.kernel @drawn_by_units(%n: i32 {tile.arg = "q_len"}, %counter: !tile.counter {tile.arg = "workspace"}) attributes {units = 1 : i64, grid = ["1"]} {
  // expected-error @below {{'tile.draw' op draws a number for each thread, allowed: in a single_thread role}}
  %0 = tile.draw %counter of %n : !tile.counter
  tile.return
}

// -----

// expected-error @below {{argument 0 is a counter named 'counter', allowed: 'workspace'}}
tile.kernel @counter_name(%counter: !tile.counter {tile.arg = "counter"}) attributes {units = 1 : i64, grid = ["1"]} {
  tile.return
}

// -----

// expected-error @below {{has more than one counter, allowed: 1}}
tile.kernel @counters(%a: !tile.counter {tile.arg = "workspace"}, %b: !tile.counter {tile.arg = "workspace"}) attributes {units = 1 : i64, grid = ["1"]} {
  tile.return
}
