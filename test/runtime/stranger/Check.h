// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Generated tensors and attention in double, a row at a time, to compare a
// kernel's output with.
#ifndef ATTN_JIT_TEST_STRANGER_CHECK_H
#define ATTN_JIT_TEST_STRANGER_CHECK_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

struct Format {
  size_t bytes;
  int exponentBits, mantissaBits;
};
inline double decode(const char *at, const Format &f) {
  uint32_t bits = 0;
  std::memcpy(&bits, at, f.bytes);
  const int e = int(bits >> f.mantissaBits) & ((1 << f.exponentBits) - 1),
            bias = (1 << (f.exponentBits - 1)) - 1;
  const double m = double(bits & ((1u << f.mantissaBits) - 1)) /
                   double(1u << f.mantissaBits);
  const double value = e == (1 << f.exponentBits) - 1 ? (m ? NAN : INFINITY)
                       : e ? std::ldexp(1 + m, e - bias)
                           : std::ldexp(m, 1 - bias);
  return bits >> (f.bytes * 8 - 1) ? -value : value;
}
inline void encode(char *at, const Format &f, double value) { // exact ones only
  int e = 0;
  const double m = std::frexp(std::abs(value), &e);
  uint32_t bits =
      value == 0 ? 0
                 : uint32_t(e - 1 + (1 << (f.exponentBits - 1)) - 1)
                           << f.mantissaBits |
                       uint32_t((2 * m - 1) * double(1u << f.mantissaBits));
  bits |= uint32_t(value < 0) << (f.bytes * 8 - 1);
  std::memcpy(at, &bits, f.bytes);
}

inline Format formatOf(const std::string &dtype) {
  return dtype == "f16"    ? Format{2, 5, 10}
         : dtype == "bf16" ? Format{2, 8, 7}
                           : Format{4, 8, 23};
}

/// Dense (batch, head, row, width), with the values it was made of.
struct Tensor {
  int heads, rows, width;
  size_t bytes; ///< of an element
  uint64_t address = 0;
  std::vector<double> data = {};
};

struct Difference {
  double relative = 0, lse = 0;
};

/// One row of softmax(scale q k^T) v, and its log-sum-exp.
inline double attend(const double *q, const double *k, const double *v,
                     int keys, int dim, double scale,
                     std::vector<double> &out) {
  std::vector<double> weights(keys);
  double top = -INFINITY, sum = 0;
  for (int j = 0; j < keys; ++j) {
    for (int d = 0; d < dim; ++d)
      weights[j] += scale * q[d] * k[size_t(j) * dim + d];
    top = std::max(top, weights[j]);
  }
  for (double &weight : weights)
    sum += weight = std::exp(weight - top);
  const size_t width = out.size();
  for (int j = 0; j < keys; ++j)
    for (size_t d = 0; d < width; ++d)
      out[d] += weights[j] / sum * v[size_t(j) * width + d];
  return top + std::log(sum);
}

/// Causal is aligned at the bottom right; a row without keys is zeros, -inf.
inline Difference compare(const Tensor &q, const Tensor &k, const Tensor &v,
                          const std::vector<char> &out, const Format &format,
                          const std::vector<char> &lse, int batch, bool causal,
                          double scale) {
  double error = 0, norm = 0, worst = 0;
  for (int r = 0; r < batch * q.heads * q.rows; ++r) {
    const int b = r / q.rows / q.heads, h = r / q.rows % q.heads,
              i = r % q.rows;
    const size_t group = size_t(b) * k.heads + h / (q.heads / k.heads);
    const int keys =
        causal ? std::clamp(i + k.rows - q.rows + 1, 0, k.rows) : k.rows;
    std::vector<double> expected(v.width);
    const double sum = attend(
        &q.data[size_t(r) * q.width], &k.data[group * k.rows * k.width],
        &v.data[group * v.rows * v.width], keys, q.width, scale, expected);
    for (int d = 0; d < v.width; ++d) {
      const size_t at = (size_t(r) * v.width + d) * format.bytes;
      error += std::pow(decode(&out[at], format) - expected[d], 2);
      norm += expected[d] * expected[d];
    }
    const double got = decode(&lse[size_t(r) * 4], {4, 8, 23});
    const double off = keys ? std::abs(got - sum) : got == -INFINITY ? 0 : 1;
    worst = std::isnan(off) ? INFINITY : std::max(worst, off);
  }
  return {std::sqrt(error / norm), worst};
}

#endif // ATTN_JIT_TEST_STRANGER_CHECK_H
