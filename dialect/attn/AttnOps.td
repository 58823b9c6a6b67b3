// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ATTN_OPS_TD
#define ATTN_OPS_TD

include "dialect/attn/AttnDialect.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Attn_Op<string mnemonic, list<Trait> traits = []> : Op<Attn_Dialect, mnemonic, traits>;

def Attn_ForwardOp : Attn_Op<"forward", [Pure, SingleBlock]> {
  let summary = "softmax(score(scale * Q K^T) where mask) V";
  let description = [{
    Operands are rank-4 tensors whose encoding names the order of their dimensions:
    `tensor<?x?x?x64xf16, #attn.layout<bshd>>`. Sizes other than the head dims may be dynamic; strides
    are always given at launch. Query heads are a multiple of key/value heads, and query head h
    reads key/value head h / (query heads / key/value heads).

    The *score region* maps `(score, b, h, q, kv)` to a score, after scaling; the *mask region* maps
    `(b, h, q, kv)` to whether the key is seen. `q` is the query row's position among the keys: row +
    kv_len - q_len when aligned `bottom_right`, the row itself when `top_left`. Either may be absent. They
    hold elementwise `arith` and `math` ops on f32, i32 and i1 (dialect/Elementwise.h has the list), and
    may use scalars from outside, which arrive at launch.

    A description is a function of one `attn.forward` (dialect/attn/Function.cpp): its arguments are named by
    `attn.arg`; q, k, v and scale are the op's operands, every other one is an i32 or f32 captured by a region.

    Keys beyond kv_len are never read. The value of a key that a mask hides must be a finite number: its weight
    is 0, and 0 times infinity is NaN, as in every kernel that multiplies by tiles.

    `precision` is what products of f32 operands are held to, and part of what is computed: no schedule and no
    target changes it. `ieee`, the default, is single precision throughout: ||out - exact|| is at most 2e-6 ||exact||
    on normal data. A target whose matrix unit multiplies TF32 alone (8 bits of exponent, 10 of mantissa) splits each
    operand into two such numbers, x = hi + lo, and adds hi hi, hi lo and lo hi; the sums of a few products are
    added in f32 with ordinary rounding, as the unit's own sums are truncated. (An infinite operand so gives NaN.)
    `tf32` rounds each operand to TF32, to the nearest, and multiplies once: within 1e-3 on normal data. Elements of
    16 bits have products that are exact already: they take the default alone.

    A row that sees no key gives zeros, and a log-sum-exp of minus infinity. `lse`, when asked for, is
    the natural logarithm of the row's sum of exponentials, tensor<batch x query heads x rows x f32>.
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$key, AnyRankedTensor:$value,
                       F32:$scale, DefaultValuedAttr<Attn_AlignAttr,
                       "::attn_jit::attn::Align::BottomRight">:$align,
                       DefaultValuedAttr<Attn_PrecisionAttr,
                       "::attn_jit::attn::Precision::IEEE">:$precision,
                       OptionalAttr<Attn_ScheduleAttr>:$schedule);
  let results = (outs AnyRankedTensor:$out, Optional<AnyRankedTensor>:$lse);
  let regions = (region MaxSizedRegion<1>:$score, MaxSizedRegion<1>:$mask);
  let assemblyFormat = [{
    $query `,` $key `,` $value `scale` $scale (`schedule` $schedule^)?
    (`score` $score^)? (`mask` $mask^)? attr-dict `:`
    type($query) `,` type($key) `,` type($value) `->` type($out) (`,` type($lse)^)?
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    int64_t getHeadDim();
    int64_t getValueDim();
    ::mlir::Type getElementType();
    ::attn_jit::attn::Layout getLayout();
  }];
}

def Attn_YieldOp : Attn_Op<"yield", [Pure, Terminator, ReturnLike, HasParent<"ForwardOp">]> {
  let summary = "The value of a score or mask region";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif
