// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What to compute, as a value without any compiler type. Batch, head counts,
// lengths, strides and the scale are no part of it: they are given at launch.
#ifndef ATTN_JIT_TOOLS_API_DESCRIPTION_H
#define ATTN_JIT_TOOLS_API_DESCRIPTION_H

#include "runtime/Result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace attn_jit::api {

enum class Element { F32, F16, BF16 };
enum class Layout { BSHD, BHSD };

/// Where query row 0 stands among the keys when q_len differs from kv_len.
enum class Align {
  BottomRight, ///< the last row sees the last key (FlashAttention, AITER)
  TopLeft,     ///< row 0 stands at key 0 (torch)
};

/// What products of f32 operands are held to.
enum class Precision {
  IEEE, ///< single precision: 2e-6 of the output
  TF32, ///< operands rounded to 10 bits of mantissa: 1e-3
};

struct Description {
  int64_t headDim = 0;
  int64_t valueDim = 0; ///< 0 stands for headDim
  Element element = Element::F16;
  Layout layout = Layout::BSHD;
  Align align = Align::BottomRight;
  bool causal = false;
  bool lse = false; ///< the kernel also writes the log-sum-exp of each row
  Precision precision = Precision::IEEE; ///< 16-bit elements have this alone
  /// Above 0: scores become softcap * tanh(score / softcap). No score beside.
  double softcap = 0;
  /// Bodies of the score and mask regions as MLIR text (templates/README.md).
  std::string score, mask;
  /// A whole attn or tile module as MLIR text. Where given, nothing above is
  /// compiled; the element still tells the caller's tensors.
  std::string module;

  int64_t valueDimOrHead() const { return valueDim ? valueDim : headDim; }
};

/// Numbers that single precision holds with room for products on either side:
/// what a scale or a softcap may be.
inline constexpr double leastFactor = 1e-30, mostFactor = 1e30;

/// The body of the score region: that of softcap, or the given text.
rt::Result<std::string> scoreRegion(const Description &description);
/// Everything that tells two descriptions apart but the layout, which is given
/// by strides at launch.
std::string identity(const Description &description);
/// The same as printable labelled fields, by which records are kept: stable,
/// and made without a compiler. Texts stand with their lengths, so that no two
/// lists of them are one.
std::string labelledText(const Description &description);
/// The description of that text, with the layout that stands for all; nothing
/// where labelledText() does not write it.
std::optional<Description> readLabelledText(std::string_view text);

int64_t elementBytes(Element element);
/// The largest power of two up to 16 that divides the rows of dense tensors, in
/// bytes.
int64_t denseAlignment(const Description &description);
/// "f32", "f16", "bf16": the manifest's names.
std::string_view name(Element element);
std::string_view name(Layout layout);
std::string_view name(Align align);
std::string_view name(Precision precision);

/// Also understands fp16, float16, half, torch.float16 and their like.
rt::Result<Element> parseElement(std::string_view text);
rt::Result<Layout> parseLayout(std::string_view text);
rt::Result<Align> parseAlign(std::string_view text);
rt::Result<Precision> parsePrecision(std::string_view text);

} // namespace attn_jit::api

#endif // ATTN_JIT_TOOLS_API_DESCRIPTION_H
