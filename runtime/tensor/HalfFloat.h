// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// f16 and bf16 as 16-bit patterns, converted bit by bit so that every compiler
// and host gives the same value. Invariant: narrowing rounds to nearest even,
// and a NaN stays a NaN.

#ifndef ATTN_JIT_RUNTIME_TENSOR_HALFFLOAT_H
#define ATTN_JIT_RUNTIME_TENSOR_HALFFLOAT_H

#include <bit>
#include <cmath>
#include <cstdint>

namespace attn_jit::rt {

inline float bf16ToFloat(uint16_t bits) {
  return std::bit_cast<float>(uint32_t(bits) << 16);
}

inline uint16_t floatToBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return uint16_t(bits >> 16) | 0x40u;
  return uint16_t((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

inline float f16ToFloat(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000u) << 16;
  uint32_t magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u) // infinity or NaN
    return std::bit_cast<float>(sign | 0x7f800000u |
                                ((magnitude & 0x3ffu) << 13));
  // Multiplying by 2^112 moves the exponent bias from 15 to 127 and normalises
  // subnormals on the way; both factors and the product are exact.
  float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(scaled) | sign);
}

inline uint16_t floatToF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint16_t sign = uint16_t((bits >> 16) & 0x8000u);
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return sign | 0x7e00u | uint16_t((magnitude >> 13) & 0x3ffu);
  if (magnitude >= 0x477ff000u) // rounds past 65504
    return sign | 0x7c00u;
  if (magnitude < 0x38800000u) {
    // Adding 0.5 leaves the subnormal's units in the lowest mantissa bits, and
    // the addition itself rounds to nearest even.
    float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return sign | uint16_t(std::bit_cast<uint32_t>(shifted) - 0x3f000000u);
  }
  uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return sign | uint16_t((rounded - 0x38000000u) >> 13);
}

/// Narrows to float so that a second rounding, to f16 or bf16, still is the
/// nearest to the double: an inexact result gets an odd last bit.
inline float floatRoundedToOdd(double value) {
  float nearest = float(value);
  if (double(nearest) == value || !std::isfinite(nearest))
    return nearest;
  uint32_t bits = std::bit_cast<uint32_t>(nearest);
  if (std::fabs(double(nearest)) > std::fabs(value))
    bits -= 1; // truncate: one unit towards zero
  return std::bit_cast<float>(bits | 1u);
}

inline uint16_t doubleToF16(double value) {
  return floatToF16(floatRoundedToOdd(value));
}
inline uint16_t doubleToBf16(double value) {
  return floatToBf16(floatRoundedToOdd(value));
}

} // namespace attn_jit::rt

#endif // ATTN_JIT_RUNTIME_TENSOR_HALFFLOAT_H
