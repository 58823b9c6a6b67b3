// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILE_OPS_TD
#define TILE_OPS_TD

include "dialect/tile/TileFragments.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===-- The kernel and its units ------------------------------------------===//

def Tile_KernelOp : Tile_Op<"kernel", [FunctionOpInterface, IsolatedFromAbove,
                                       AutomaticAllocationScope]> {
  let summary = "One launch: its arguments, its units, its grid";
  let description = [{
    Each argument carries `tile.arg`, the name under which the launch manifest binds it
    (`q`, `kv_len`, `scale_log2e`, ...). `units` is the number of units of a workgroup. `grid` is one
    rule a dimension: a value name or a number, `ceil_div(NAME, N)`, or a product of these by ` * `;
    `resident(PRODUCT)` is as many workgroups as the device holds, at most one a tile. With `cluster`, that many
    workgroups that follow each other along the grid's first dimension, a multiple of it, run side by side, fill each
    other's shared tiles, and end together. The body is one block; branches and loops are `scf` ops, and arithmetic is
    what dialect/Elementwise.h lists.

    Further attributes: `tile.align`, the bytes that bases and strides of directly accessed tensors are multiples of (16
    unless said); `tile.warps`, its units are warps also where the target's own are larger; `tile.shared_bytes`, what
    tile-assign-shared has given out. `tile.schedule`, `tile.mask`, `tile.align_keys` and, of f32, `tile.precision` are
    what a manifest tells of the kernel's origin.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       I64Attr:$units, StrArrayAttr:$grid,
                       OptionalAttr<I64Attr>:$cluster,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       OptionalAttr<DictArrayAttr>:$arg_attrs,
                       OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region AnyRegion:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    /// The manifest name of argument `index`.
    ::llvm::StringRef getArgName(unsigned index);
    /// Workgroups of a cluster: 1 where there are none.
    int64_t getClusterSize() { return getClusterAttr() ? getClusterAttr().getInt() : 1; }
  }];
}

def Tile_ReturnOp : Tile_Op<"return", [Pure, Terminator, HasParent<"KernelOp">]> {
  let summary = "End of a kernel";
  let assemblyFormat = "attr-dict";
}

def Tile_ProgramIdOp : Tile_Op<"program_id", [Pure]> {
  let summary = "Coordinate of this workgroup in the grid";
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<2>]>:$dim);
  let results = (outs I32:$result);
  let assemblyFormat = "$dim attr-dict";
}

def Tile_ClusterRankOp : Tile_Op<"cluster_rank", [Pure]> {
  let summary = "Index of this workgroup in its cluster";
  let results = (outs I32:$result);
  let assemblyFormat = "attr-dict";
}

def Tile_UnitIdOp : Tile_Op<"unit_id", [Pure]> {
  let summary = "Index of this unit in its workgroup";
  let results = (outs I32:$result);
  let assemblyFormat = "attr-dict";
}

def Tile_SpecializeOp : Tile_Op<"specialize", [RecursiveMemoryEffects,
                                               SingleBlockImplicitTerminator<"YieldOp">,
                                               HasParent<"KernelOp">]> {
  let summary = "Units of a workgroup take roles";
  let description = [{
    Region r runs on `counts[r]` units, taken in order, with a budget of `registers[r]` registers a
    thread (0: whatever the kernel has; else a multiple of 8 from 24 to 256). Its argument is the unit's
    number among those of the role. A role with `single_thread` runs on one thread of its first unit: what
    drives a copy engine.
    The roles are one if/else chain in the machine code: a register budget takes
    effect only there (PTX ISA, setmaxnreg).
  }];
  let arguments = (ins StrArrayAttr:$names, DenseI64ArrayAttr:$counts,
                       DenseI64ArrayAttr:$registers, DenseBoolArrayAttr:$single_thread);
  let regions = (region VariadicRegion<SizedRegion<1>>:$roles);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Tile_YieldOp : Tile_Op<"yield", [Pure, Terminator, ReturnLike,
                                     ParentOneOf<["SpecializeOp", "MapOp"]>]> {
  let summary = "End of a role, or the value of a map";
  let arguments = (ins Optional<AnyType>:$value);
  let assemblyFormat = "($value^ `:` type($value))? attr-dict";
  let builders = [OpBuilder<(ins)>];
}

//===-- Shared memory and data movement -----------------------------------===//

def Tile_AllocOp : Tile_Op<"alloc", [MemoryEffects<[MemAlloc]>]> {
  let summary = "A tile of shared memory for the whole kernel";
  let arguments = (ins OptionalAttr<I64Attr>:$offset);
  let results = (outs Tile_SharedType:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Tile_SliceOp : Tile_Op<"slice", [Pure]> {
  let summary = "Rows [row, row + rows of the result) of a shared tile";
  let description = [{
    `row` must be a multiple of 8, the height of a swizzle atom, and the rows lie within the source. Of a
    constant the verifier makes sure; any other is the schedule's promise.
  }];
  let arguments = (ins Tile_SharedType:$source, I32:$row);
  let results = (outs Tile_SharedType:$result);
  let assemblyFormat = "$source `[` $row `]` attr-dict `:` type($source) `to` type($result)";
  let hasVerifier = 1;
}

def Tile_PipeCreateOp : Tile_Op<"pipe.create", [MemoryEffects<[MemAlloc]>]> {
  let summary = "A ring of shared tiles, empty";
  let description = [{
    `consumers`: how many units release each use before it may be refilled. With `cluster_wide`, all workgroups of the
    cluster hold the same tile in each use: every one copies an equal share of its rows, in the order of their ranks, to
    all of them, and it is refilled once the consumers of all have released it. So all make the same uses, as many
    and of the same tiles; what they do with them is their own.
  }];
  let arguments = (ins I64Attr:$consumers, OptionalAttr<I64Attr>:$offset,
                       OptionalAttr<I64Attr>:$barrier_offset, UnitAttr:$cluster_wide);
  let results = (outs Tile_PipeType:$result);
  let assemblyFormat = "`consumers` $consumers attr-dict `:` type($result)";
}

class Tile_PipeOp<string mnemonic, list<Trait> traits = []>
    : Tile_Op<"pipe." # mnemonic, traits> {
  let arguments = (ins Tile_PipeType:$pipe, I32:$use);
  let assemblyFormat = "$pipe `[` $use `]` attr-dict `:` type($pipe)";
}

def Tile_PipeAcquireOp : Tile_PipeOp<"acquire"> {
  let summary = "Wait until use i's stage may be overwritten";
}

def Tile_PipeCommitOp : Tile_PipeOp<"commit"> {
  let summary = "All copies of use i are issued";
}

def Tile_PipeWaitOp : Tile_PipeOp<"wait"> {
  let summary = "Wait until use i's data is there; gives the stage";
  let results = (outs Tile_SharedType:$result);
  let assemblyFormat = "$pipe `[` $use `]` attr-dict `:` type($pipe) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_PipeReleaseOp : Tile_Op<"pipe.release", []> {
  let summary = "This unit has read use i for the last time";
  let description = [{
    With `when`, only where that is true. A release that hangs on a `tile.anchor`, which is always true,
    holds back the waits that follow it in program order.
  }];
  let arguments = (ins Tile_PipeType:$pipe, I32:$use, Optional<I1>:$when);
  let assemblyFormat = "$pipe `[` $use `]` (`when` $when^)? attr-dict `:` type($pipe)";
}

def Tile_CopyOp : Tile_Op<"copy", []> {
  let summary = "Rows of a global tensor into a pipe's stage";
  let description = [{
    Rows [row, row + slot rows) of (batch, head); rows at `limit` and beyond arrive as zeros, and so do
    columns of the slot beyond the tensor's (which not every target can copy). A bulk copy ends where its
    tensor does: its limit is the argument `q_len` (of `q`) or `kv_len`. Into a `cluster_wide` pipe it takes the
    workgroup's share of these rows.
    Elements convert to the slot's type where they differ (16-bit to f32).
    With `heads` a bulk copy takes as many heads from `head` on, one behind the other, with as many rows of each from
    `row` on as fill the slot. All of them are there: a launch with other groups of heads is refused.
  }];
  let arguments = (ins Tile_GlobalType:$source, I32:$batch, I32:$head, I32:$row, I32:$limit,
                       Tile_PipeType:$pipe, I32:$use, DefaultValuedAttr<I64Attr, "1">:$heads);
  let assemblyFormat = [{
    $source `[` $batch `,` $head `,` $row `]` `limit` $limit `into` $pipe `[` $use `]`
    attr-dict `:` type($source) `,` type($pipe)
  }];
  let hasVerifier = 1;
}

def Tile_LoadOp : Tile_Op<"load", []> {
  let summary = "Rows of a global tensor into a fragment";
  let description = [{ Rows at `limit` and beyond are zeros. 16-bit elements may widen to f32. }];
  let arguments = (ins Tile_GlobalType:$source, I32:$batch, I32:$head, I32:$row, I32:$limit);
  let results = (outs Tile_FragType:$result);
  let assemblyFormat = [{
    $source `[` $batch `,` $head `,` $row `]` `limit` $limit attr-dict `:`
    type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_StoreOp : Tile_Op<"store", [AttrSizedOperandSegments]> {
  let summary = "A fragment into rows of a global tensor";
  let description = [{
    Rows at `limit` and beyond, and columns beyond the tensor's, are not written. A null tensor is not
    written. Row i goes to `row + i` of `head`; with `plus`, row fragments of i32, to `row + rows[i]` of
    `head + heads[i]`.
  }];
  let arguments = (ins Tile_FragType:$value, Tile_GlobalType:$target, I32:$batch, I32:$head,
                       I32:$row, I32:$limit, Optional<Tile_FragType>:$heads,
                       Optional<Tile_FragType>:$rows);
  let assemblyFormat = [{
    $value `,` $target `[` $batch `,` $head `,` $row `]` `limit` $limit
    (`plus` $heads^ `,` $rows `:` type($heads) `,` type($rows))? attr-dict `:`
    type($value) `,` type($target)
  }];
  let hasVerifier = 1;
}

def Tile_PutOp : Tile_Op<"put", []> {
  let summary = "A fragment of this unit into a shared tile";
  let description = [{ `tile.publish` makes it visible to the unit's matrix products. }];
  let arguments = (ins Tile_FragType:$value, Tile_SharedType:$target);
  let assemblyFormat = "$value `,` $target attr-dict `:` type($value) `,` type($target)";
  let hasVerifier = 1;
}

def Tile_PublishOp : Tile_Op<"publish", []> {
  let summary = "What this unit put into shared memory is visible to its matrix products";
  let assemblyFormat = "attr-dict";
}

//===-- Numbers between roles ---------------------------------------------===//

def Tile_MailCreateOp : Tile_Op<"mail.create", [MemoryEffects<[MemAlloc]>]> {
  let summary = "A ring of numbers, empty";
  let description = [{ `consumers`: how many units release each use before it may be written again. }];
  let arguments = (ins I64Attr:$consumers, OptionalAttr<I64Attr>:$offset);
  let results = (outs Tile_MailType:$result);
  let assemblyFormat = "`consumers` $consumers attr-dict `:` type($result)";
}

def Tile_MailPostOp : Tile_Op<"mail.post", []> {
  let summary = "Waits until use i may be written, and tells its numbers";
  let arguments = (ins Tile_MailType:$mail, I32:$use, Variadic<I32>:$values);
  let assemblyFormat = "$mail `[` $use `]` `,` $values attr-dict `:` type($mail)";
  let hasVerifier = 1;
}

def Tile_MailTakeOp : Tile_Op<"mail.take", []> {
  let summary = "Waits until use i is told; gives its numbers";
  let description = [{ May be repeated until the use is released. }];
  let arguments = (ins Tile_MailType:$mail, I32:$use);
  let results = (outs Variadic<I32>:$values);
  let assemblyFormat = "$mail `[` $use `]` attr-dict `:` type($mail) `->` type($values)";
  let hasVerifier = 1;
}

def Tile_MailReleaseOp : Tile_Op<"mail.release", []> {
  let summary = "This unit has taken use i for the last time";
  let arguments = (ins Tile_MailType:$mail, I32:$use);
  let assemblyFormat = "$mail `[` $use `]` attr-dict `:` type($mail)";
}

//===-- Numbers between workgroups ----------------------------------------===//

def Tile_DrawOp : Tile_Op<"draw", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "The next number of a counter";
  let description = [{
    0, 1, ... `count` - 1, each to one draw of the launch, and then from 0 again: a launch that draws `count` times, or
    a multiple of it, leaves the counter as it was.
  }];
  let arguments = (ins Tile_CounterType:$counter, I32:$count);
  let results = (outs I32:$result);
  let assemblyFormat = "$counter `of` $count attr-dict `:` type($counter)";
}

//===-- Barriers between units --------------------------------------------===//

def Tile_BarrierOp : Tile_Op<"barrier", []> {
  let summary = "All units of the workgroup meet";
  let assemblyFormat = "attr-dict";
}

class Tile_NamedBarrierOp<string mnemonic> : Tile_Op<"named_barrier." # mnemonic, []> {
  let arguments = (ins I32:$id, ConfinedAttr<I64Attr, [IntPositive]>:$units);
  let assemblyFormat = "$id `units` $units attr-dict";
}

def Tile_NamedBarrierSyncOp : Tile_NamedBarrierOp<"sync"> {
  let summary = "Arrive at barrier id and wait until `units` units have arrived";
}

def Tile_NamedBarrierArriveOp : Tile_NamedBarrierOp<"arrive"> {
  let summary = "Arrive at barrier id without waiting";
}

//===-- For finding races -------------------------------------------------===//

def Tile_DelayOp : Tile_Op<"delay", []> {
  let summary = "Each wave of this unit lets a time of its own pass";
  let description = [{
    Up to some microseconds, by a hash of the seed, the place, the use where there is one, the workgroup and the
    wave; none for seed 0. What a kernel computes must not depend on it: `tile-insert-delays` puts one before every op
    that waits, signals or touches memory.
  }];
  let arguments = (ins I32:$seed, I64Attr:$place, Optional<I32>:$use);
  let assemblyFormat = "$seed `at` $place (`use` $use^)? attr-dict";
}

//===-- Matrix products ---------------------------------------------------===//

def Tile_MmaOp : Tile_Op<"mma", [AttrSizedOperandSegments]> {
  let summary = "Start lhs * rhs (+ acc)";
  let description = [{
    lhs: M x K, a fragment or a shared tile. rhs: K x N in shared memory, or N x K with
    `transpose_rhs`. Accumulation is in the element type of the result. Products complete in the
    order in which they were started. With `when`, the accumulator counts only where that is true, and
    is otherwise not read: a loop starts anew without a fragment of zeros. Operands of f32 are multiplied as exactly as
    f32 sums hold it; with `tf32` they are rounded to TF32, 10 bits of mantissa, first.
  }];
  let arguments = (ins AnyTypeOf<[Tile_FragType, Tile_SharedType]>:$lhs, Tile_SharedType:$rhs,
                       Optional<Tile_FragType>:$acc, Optional<I1>:$when, UnitAttr:$transpose_rhs,
                       UnitAttr:$tf32);
  let results = (outs Tile_PendingType:$result);
  let builders = [OpBuilder<(ins "::mlir::Type":$type, "::mlir::Value":$lhs, "::mlir::Value":$rhs,
                                 "::mlir::Value":$acc, "bool":$transpose_rhs, CArg<"bool", "false">:$tf32), [{
    build($_builder, $_state, type, lhs, rhs, acc, /*when=*/::mlir::Value(), transpose_rhs, tf32);
  }]>];
  let assemblyFormat = [{
    $lhs `,` $rhs (`acc` $acc^ `:` type($acc))? (`when` $when^)? attr-dict `:` type($lhs) `,` type($rhs) `->`
    type($result)
  }];
  let hasVerifier = 1;
}

def Tile_WaitOp : Tile_Op<"wait", []> {
  let summary = "A product's result becomes usable";
  let description = [{
    `in_flight`: how many products started later may still be running.
  }];
  let arguments = (ins Tile_PendingType:$pending, DefaultValuedAttr<I64Attr, "0">:$in_flight);
  let results = (outs Tile_FragType:$result);
  let assemblyFormat = "$pending attr-dict `:` type($pending) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_AnchorOp : Tile_Op<"anchor", [Pure]> {
  let summary = "A truth that is known only when a row fragment is";
  let description = [{
    True for every number and NaN, but computed from the fragment: what hangs on it cannot be scheduled before it.
    ptxas hoists waits on matrix products to the top of the work that should hide them; a release
    that hangs on an anchor pins the following wait behind the softmax (measured, docs/perf).
  }];
  let arguments = (ins Tile_FragType:$value);
  let results = (outs I1:$result);
  let assemblyFormat = "$value attr-dict `:` type($value)";
  let hasVerifier = 1;
}

#endif
