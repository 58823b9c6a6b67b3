// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention in f32, one thread a query row, as slow as it is plain: an image
// that no compiler of ours made, for the tests of image and manifest. One
// source for the host, PTX and AMD code objects.
typedef long long i64;

#if defined(__NVPTX__)
#define KERNEL __attribute__((nvptx_kernel))
#define GLOBAL __attribute__((address_space(1)))
#define BLOCK_X __nvvm_read_ptx_sreg_ctaid_x()
#define BLOCK_Y __nvvm_read_ptx_sreg_ctaid_y()
#define BLOCK_Z __nvvm_read_ptx_sreg_ctaid_z()
#define THREAD __nvvm_read_ptx_sreg_tid_x()
#elif defined(__AMDGCN__)
#define KERNEL __attribute__((amdgpu_kernel))
#define GLOBAL __attribute__((address_space(1)))
#define BLOCK_X __builtin_amdgcn_workgroup_id_x()
#define BLOCK_Y __builtin_amdgcn_workgroup_id_y()
#define BLOCK_Z __builtin_amdgcn_workgroup_id_z()
#define THREAD __builtin_amdgcn_workitem_id_x()
#else
#define GLOBAL
#endif

enum { Dim = 64, Rows = 64 };

// e^x to about 1e-7, without a library: 2^n (1 + y (1 + y/2 (1 + ...))).
static inline float power(float x) {
  if (x < -87)
    return 0;
  const float t = x * 1.44269504f;
  const int n = (int)(t < 0 ? t - 0.5f : t + 0.5f);
  const float y = (t - (float)n) * 0.693147181f;
  float sum = 1;
  for (int i = 9; i > 0; --i)
    sum = 1 + y / (float)i * sum;
  union {
    int bits;
    float value;
  } scale = {(n + 127) << 23};
  return sum * scale.value;
}

// ln of a positive x by Newton's method on power().
static inline float logarithm(float x) {
  int n = 0;
  while (x > 2)
    x *= 0.5f, ++n;
  while (x < 1)
    x *= 2, --n;
  float y = x - 1;
  for (int i = 0; i < 8; ++i)
    y -= 1 - x / power(y);
  return y + (float)n * 0.693147181f;
}

struct Arguments {
  const GLOBAL float *q, *k, *v;
  GLOBAL float *o, *lse;
  int queryHeads, headsPerKv, queryLength, keyLength;
  float scale;
  i64 q0, q1, q2, k0, k1, k2, v0, v1, v2, o0, o1, o2, lse0, lse1;
};

static inline void row(const struct Arguments *a, i64 b, i64 h, int i) {
  if (i >= a->queryLength)
    return;
  const i64 g = h / a->headsPerKv;
  const GLOBAL float *q = a->q + b * a->q0 + h * a->q1 + i * a->q2;
  GLOBAL float *o = a->o + b * a->o0 + h * a->o1 + i * a->o2;
  // Causal, aligned at the bottom right.
  const int keys = i + a->keyLength - a->queryLength + 1;
  float best = -3e38f, sum = 0, out[Dim];
  for (int d = 0; d < Dim; ++d)
    out[d] = 0;
  for (int j = 0; j < keys; ++j) {
    const GLOBAL float *k = a->k + b * a->k0 + g * a->k1 + j * a->k2;
    const GLOBAL float *v = a->v + b * a->v0 + g * a->v1 + j * a->v2;
    float score = 0;
    for (int d = 0; d < Dim; ++d)
      score += q[d] * k[d];
    score *= a->scale;
    const float top = score > best ? score : best;
    const float fade = sum == 0 ? 0 : power(best - top);
    const float weight = power(score - top);
    best = top;
    sum = sum * fade + weight;
    for (int d = 0; d < Dim; ++d)
      out[d] = out[d] * fade + weight * v[d];
  }
  for (int d = 0; d < Dim; ++d)
    o[d] = sum == 0 ? 0 : out[d] / sum;
  if (a->lse)
    a->lse[b * a->lse0 + h * a->lse1 + i] =
        sum == 0 ? -__builtin_inff() : best + logarithm(sum);
}

#ifdef KERNEL
KERNEL void attention(const GLOBAL float *q, const GLOBAL float *k,
                      const GLOBAL float *v, GLOBAL float *o, GLOBAL float *lse,
                      int queryHeads, int headsPerKv, int queryLength,
                      int keyLength, float scale, i64 q0, i64 q1, i64 q2,
                      i64 k0, i64 k1, i64 k2, i64 v0, i64 v1, i64 v2, i64 o0,
                      i64 o1, i64 o2, i64 lse0, i64 lse1) {
  const struct Arguments a = {
      q,         k,     v,  o,  lse, queryHeads, headsPerKv, queryLength,
      keyLength, scale, q0, q1, q2,  k0,         k1,         k2,
      v0,        v1,    v2, o0, o1,  o2,         lse0,       lse1};
  row(&a, BLOCK_Z, BLOCK_Y, BLOCK_X * Rows + THREAD);
}
#else
void attention(const void *block, int x, int y, int z) {
  for (int i = 0; i < Rows; ++i)
    row((const struct Arguments *)block, z, y, x * Rows + i);
}
#endif
