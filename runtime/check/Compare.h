// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel's output against the reference: how far off, and whether that
// passes. Invariant: a NaN or an element the kernel never wrote fails, whatever
// the norms say.

#ifndef ATTN_JIT_RUNTIME_CHECK_COMPARE_H
#define ATTN_JIT_RUNTIME_CHECK_COMPARE_H

#include "runtime/Result.h"
#include "runtime/check/Inputs.h"
#include "runtime/check/Reference.h"
#include "runtime/tensor/Tensor.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace attn_jit::rt {

struct Comparison {
  double relError =
      0; ///< ||out - ref|| / ||ref|| (||out|| where ref is all zero)
  double maxAbsError = 0;
  double meanAbsError = 0;
  double cosine = 1; ///< of the angle between out and ref
  int64_t elements = 0;
  int64_t rows = 0, totalRows = 0; ///< rows < totalRows: sampled
  int64_t unwritten = 0; ///< elements that still hold markUnwritten's pattern
  int64_t nonFinite =
      0; ///< other NaNs, and infinities the reference does not have
  int64_t worstRow = -1; ///< RowSet index of the largest absolute error

  bool sampled() const { return rows < totalRows; }
  bool passes(double tolerance) const {
    return elements > 0 && unwritten == 0 && nonFinite == 0 &&
           relError <= tolerance;
  }
};

/// Fills with a NaN of a payload that no arithmetic makes, before a kernel
/// writes into it.
void markUnwritten(HostTensor &tensor);

/// \p output: [batch, q_heads, q_len, value_dim], any strides.
Result<Comparison> compareOutput(const HostTensor &output,
                                 const ReferenceResult &reference);
/// \p lse: [batch, q_heads, q_len]; -inf equals -inf.
Result<Comparison> compareLse(const HostTensor &lse,
                              const ReferenceResult &reference);
/// Two tensors of one shape, the second taken as the truth.
Result<Comparison> compareTensors(const HostTensor &output,
                                  const HostTensor &truth);

/// On normal and uniform data: f32 2e-6, f16 1e-3, bf16 5e-3; f64 1e-12; none
/// for other types. The adversarial kinds have scores of hundreds: an f32 score
/// is off by 2^-24 of itself, which the exponential turns into a relative
/// error, so f32 has 1e-4 there. Their weights are so unequal that one rounding
/// of 16 bits is seen: four times the normal. \p tf32: products of f32 round
/// their operands to 10 bits of mantissa: 1e-3, and 2e-2 there.
std::optional<double> tolerance(DType type, InputKind kind = InputKind::Normal,
                                bool tf32 = false);

/// "rel 3.1e-04 max 1.2e-03 (512 of 6144 rows)" and what failed.
std::string toText(const Comparison &comparison);

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_CHECK_COMPARE_H
